"""Which changes settle a job, and the event and the webhook that announce it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import rule

from darkroom import clock
from darkroom.archives import Archive
from darkroom.aws.events import EventBus
from darkroom.errors import RetryLater
from darkroom.jobs import Job
from darkroom.messages import WebhookMessage
from darkroom.outcomes import Outcome
from darkroom.states import ArchiveStatus, JobStatus
from functions.progress import notify
from functions.progress.completion import completion_document
from functions.progress.job_changes import Change, settled
from tests.conftest import Cloud, FakeContext
from tests.layer.walks import Walk, ended
from tests.making import a_job, arrived, recorded, requeued
from tests.streams import job_event

DOCS = (Path(__file__).parents[2] / "docs/events.md").read_text(encoding="utf-8")
EXAMPLE = json.loads(re.findall(r"```json\n(.+?)```", DOCS, re.S)[0])
URL = "https://shop.example/done"

BUILDING = recorded(a_job(callback_url=URL), ended(0))
DONE = BUILDING.with_archive(replace(BUILDING.archive, status=ArchiveStatus.READY, size=9))
FAILED = recorded(a_job(callback_url=URL), ended(0, Outcome.FAILED))


class Settling(Walk):
    """Whatever happens to a job, each attempt that settles is announced once, when it settles."""

    def __init__(self) -> None:
        super().__init__()
        self.announced: list[str] = []

    def move(self, after: Job) -> None:
        before = self.job
        super().move(after)
        if after is not before:  # only a change that is written appears in the stream
            jobs = settled([Change(before, after)])
            self.announced += [completion_document(job, "b")["id"] for job in jobs]
        assert len(set(self.announced)) == len(self.announced)
        assert (f"{after.job_id}.{after.attempt}" in self.announced) is after.settled

    def retried(self, before: Job) -> None:
        """A retry without a file to queue settles the job at once."""
        begun = before.retried()
        changes = [Change(before, begun), Change(begun, self.job)]
        self.announced += [completion_document(job, "b")["id"] for job in settled(changes)]

    @rule()
    def build_the_archive(self) -> None:
        if self.job.archive.status is ArchiveStatus.BUILDING:
            ready = replace(self.job.archive, status=ArchiveStatus.READY, size=1)
            self.move(self.job.with_archive(ready))

    @rule()
    def fail_the_archive(self) -> None:
        if self.job.archive.status is ArchiveStatus.BUILDING:
            failed = replace(self.job.archive, status=ArchiveStatus.FAILED)
            self.move(self.job.with_archive(failed))


TestSettling = Settling.TestCase


@pytest.mark.parametrize(
    ("before", "after", "settles"),
    [
        (BUILDING, DONE, True),
        (None, DONE, True),
        (DONE, replace(DONE, sequence=9), False),
        (arrived(a_job(), 0), BUILDING, False),
        (arrived(a_job(), 0), FAILED, True),
        (FAILED, requeued(FAILED), False),
        (requeued(FAILED), recorded(requeued(FAILED), ended(0, Outcome.FAILED, 2)), True),
        (DONE, None, False),
        (BUILDING, None, False),
        (a_job(), a_job().cancelled(), False),
        (
            a_job().cancelled(),
            recorded(a_job().cancelled(), ended(0, Outcome.CANCELLED)),
            True,
        ),
        (a_job(), a_job(status=JobStatus.EXPIRED), False),
    ],
)
def test_which_changes_settle(before: Job | None, after: Job | None, settles: bool) -> None:
    assert settled([Change(before, after)]) == ([after] if settles else [])


class TestDocument:
    def test_it_has_the_documented_fields(self) -> None:
        dropped = replace(DONE, source="inbox/shop/shoes.zip")
        document = completion_document(dropped, "photos")
        assert document.keys() == EXAMPLE.keys()
        assert document["summary"].keys() == EXAMPLE["summary"].keys()
        rows = re.findall(r"^\| (`.+?) \|", DOCS, re.M)
        fields = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        assert document.keys() <= fields

    def test_a_job_with_results(self) -> None:
        assert completion_document(DONE, "photos") == {
            "id": "j1.1",
            "job_id": "j1",
            "attempt": 1,
            "status": "completed",
            "job_type": "batch",
            "summary": {
                "total": 1,
                "succeeded": 1,
                "failed": 0,
                "skipped": 0,
                "review": 0,
                "success_percentage": 100.0,
            },
            "error": None,
            "bucket": "photos",
            "results": "results/j1/",
            "archive": "archives/j1/1.zip",
            "source": None,
            "created_at": "2023-11-14T22:13:20.000Z",
            "completed_at": clock.iso(DONE.updated_at),
        }

    def test_a_job_without_results(self) -> None:
        document = completion_document(FAILED, "photos")
        assert (document["status"], document["archive"]) == ("failed", None)
        assert document["error"] == {"code": "damaged", "message": "It is damaged."}

    @pytest.mark.parametrize("status", [ArchiveStatus.FAILED, ArchiveStatus.NONE])
    def test_a_missing_archive_has_no_key(self, status: ArchiveStatus) -> None:
        job = replace(DONE, archive=Archive(status, 1))
        assert completion_document(job, "photos")["archive"] is None


@pytest.fixture
def events(cloud: Cloud) -> list[Any]:
    """The entries sent to EventBridge. The journey test receives them through a rule instead."""
    sent: list[Any] = []

    def watch(params: dict[str, Any], **_: Any) -> None:
        assert all(entry.get("EventBusName", "default") == "default" for entry in params["Entries"])
        sent.extend(params["Entries"])

    hooks = cloud.services.events.client.meta.events
    hooks.register("before-parameter-build.events.PutEvents", watch)
    return sent


def details(events: list[Any]) -> list[Any]:
    return [json.loads(event["Detail"]) for event in events]


def webhooks(cloud: Cloud) -> list[WebhookMessage]:
    bodies = cloud.received(cloud.services.settings.webhooks_queue_url)
    return [WebhookMessage.model_validate_json(body) for body in bodies]


@pytest.mark.usefixtures("gateway")
class TestAnnouncing:
    def test_a_settled_job_sends_one_event_and_one_webhook(
        self, cloud: Cloud, events: list[Any]
    ) -> None:
        notify.handler(job_event((None, BUILDING), (BUILDING, DONE)), FakeContext())
        [event] = events
        assert (event["Source"], event["DetailType"]) == ("darkroom.job", "JobCompleted")
        [detail] = details(events)
        assert detail == completion_document(DONE, "darkroom-photos")
        [message] = webhooks(cloud)
        assert (message.url, message.id, message.tries) == (URL, "j1.1", 0)
        assert json.loads(message.body) == detail

    def test_without_a_callback_url_only_the_event_is_sent(
        self, cloud: Cloud, events: list[Any]
    ) -> None:
        before, after = (replace(job, callback_url="") for job in (BUILDING, DONE))
        notify.handler(job_event((before, after)), FakeContext())
        assert len(events) == 1
        assert webhooks(cloud) == []

    def test_a_redelivered_batch_is_announced_under_the_same_id(
        self, cloud: Cloud, events: list[Any]
    ) -> None:
        for _ in range(2):
            notify.handler(job_event((BUILDING, DONE)), FakeContext())
        first, second = details(events)
        assert first == second
        first_message, second_message = webhooks(cloud)
        assert first_message == second_message

    def test_a_retry_is_announced_under_the_next_id(self, cloud: Cloud, events: list[Any]) -> None:
        retried = requeued(FAILED)
        end = recorded(retried, ended(0, Outcome.FAILED, 2))
        changes = [(None, FAILED), (FAILED, retried), (retried, end)]
        notify.handler(job_event(*changes), FakeContext())
        assert [detail["id"] for detail in details(events)] == ["j1.1", "j1.2"]
        assert [message.id for message in webhooks(cloud)] == ["j1.1", "j1.2"]

    def test_a_change_that_settles_nothing_is_not_announced(
        self, cloud: Cloud, events: list[Any]
    ) -> None:
        notify.handler(job_event((None, BUILDING)), FakeContext())
        assert events == []
        assert webhooks(cloud) == []

    def test_more_jobs_than_a_request_holds(self, cloud: Cloud, events: list[Any]) -> None:
        jobs = [replace(DONE, job_id=f"j{number}") for number in range(23)]
        notify.handler(job_event(*((None, job) for job in jobs)), FakeContext())
        names = {f"j{number}.1" for number in range(23)}
        assert {detail["id"] for detail in details(events)} == names
        assert {message.id for message in webhooks(cloud)} == names


class Refusing:
    """EventBridge answering 200 without accepting every event."""

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        failed = {"ErrorCode": "MalformedDetail", "ErrorMessage": "No JSON"}
        return {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, failed]}


def test_an_event_that_is_not_accepted_raises_retry_later() -> None:
    with pytest.raises(RetryLater):
        EventBus(Refusing()).completed([{}, {}])
