"""The totals are true however often, and in whatever order, the stream delivers changes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench._item_size import stored_bytes
from darkroom.archives import Archive
from darkroom.aws import items
from darkroom.errors import Conflict, RetryLater
from darkroom.files import file_event
from darkroom.jobs import FileEvent, Job
from darkroom.ledger import Entry, deleted_entry, difference, settled_entry, statistics
from darkroom.messages import Source
from darkroom.outcomes import Outcome
from darkroom.states import ArchiveStatus
from darkroom.usage import Usage
from functions.progress import notify
from functions.progress.job_changes import Change
from functions.progress.totals import update_totals
from functions.status import app
from tests.conftest import KEY, Cloud, FakeContext, http_event
from tests.gateway import StandInGateway
from tests.making import TOKEN, a_job, a_result, listed, mark_of, recorded, requeued, store
from tests.streams import done, job_event, tally_event

FILES = 3


def ended(index: int, outcome: Outcome, attempt: int = 1) -> FileEvent:
    usage = Usage()
    if outcome is Outcome.SUCCEEDED:
        model = "u2netp" if index % 2 else None
        usage = Usage.of_photo(bytes_in=7, bytes_out=2, model=model, milliseconds=100 * index)
    return FileEvent(index, attempt, outcome, f"{index}.jpg", None, usage)


def counters(*jobs: tuple[Job, str]) -> dict[str, int]:
    """The expected totals, added up from the latest states of the jobs."""
    total: Counter[str] = Counter()
    for job, status in jobs:
        total[f"jobs.{status}"] += 1
        total["photos.succeeded"] += job.counts.succeeded
        total["photos.failed"] += job.counts.failed
        total["photos.skipped"] += job.counts.skipped
        total["bytes.in"] += job.usage.bytes_in
        total["bytes.out"] += job.usage.bytes_out
        for name, timing in job.usage.models.items():
            total[f"models.{name}.photos"] += timing.photos
            total[f"models.{name}.milliseconds"] += timing.milliseconds
    return {name: number for name, number in total.items() if number}


# ---- any changes of a job, delivered in any way


def end_a_file(job: Job, data: st.DataObject) -> Job:
    marks = {index: mark_of(job, index) for index in range(100, 100 + FILES)}
    pending = [index for index, mark in marks.items() if not Outcome(mark & 7).processed]
    if not pending:
        return job
    index = data.draw(st.sampled_from(pending))
    outcome = data.draw(st.sampled_from([Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SKIPPED]))
    return recorded(job, ended(index, outcome, max(1, marks[index] >> 3)))


def retry(job: Job, data: st.DataObject) -> Job:
    try:
        return requeued(job)
    except Conflict:
        return job


def finish_the_archive(job: Job, data: st.DataObject) -> Job:
    return job.with_archive(Archive(ArchiveStatus.READY, job.archive.generation, 1))


Step = Callable[[Job, st.DataObject], Job]
STEPS: list[Step] = [
    end_a_file,
    end_a_file,
    retry,
    finish_the_archive,
    lambda job, data: job.cancelled(),
    lambda job, data: job.nudged(),
]


def a_life(job_id: str, data: st.DataObject) -> list[Change]:
    job = a_job(job_id=job_id)
    lives = [job, listed(job, 0, FILES, FILES)]
    for step in data.draw(st.lists(st.sampled_from(STEPS), max_size=12)):
        after = step(lives[-1], data)
        if after is not lives[-1]:
            lives.append(after)
    changes = [Change(None, job), *(Change(*pair) for pair in pairwise(lives))]
    if data.draw(st.booleans()):
        changes.append(Change(lives[-1], None))
    return changes


def truth(changes: list[Change]) -> tuple[Job, str] | None:
    """The state and the status with which a job must be counted in the end."""
    last, after = changes[-1]
    if after is None and last and not last.settled:
        return last, "deleted"
    settled = [change.after for change in changes if change.after and change.after.settled]
    return (settled[-1], settled[-1].status.value) if settled else None


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_repetition_order_and_batching_gives_the_same_totals(
    cloud: Cloud, data: st.DataObject
) -> None:
    for item in cloud.table.scan()["Items"]:
        cloud.table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    lives = [a_life(job_id, data) for job_id in ("j1", "j2")]
    changes = [change for life in lives for change in life]
    repeats = data.draw(st.lists(st.sampled_from(changes), max_size=10))
    delivered = data.draw(st.permutations(changes + repeats))
    size = data.draw(st.integers(1, 8))
    for start in range(0, len(delivered), size):
        update_totals(delivered[start : start + size], cloud.services.ledger)
    counted = [expected for expected in map(truth, lives) if expected]
    totals = cloud.services.ledger.totals()
    assert {name: number for name, number in totals.items() if number} == counters(*counted)


# ---- single cases


def settled_job(job_id: str = "j1") -> Job:
    job = listed(a_job(job_id=job_id), 0, 2, 2)
    job = recorded(job, ended(100, Outcome.SUCCEEDED), ended(101, Outcome.FAILED))
    return job.with_archive(Archive(ArchiveStatus.READY, 1, 9))


def test_a_job_that_is_not_settled_is_not_counted(cloud: Cloud) -> None:
    building = recorded(a_job(), ended(0, Outcome.SUCCEEDED))
    update_totals([Change(None, a_job()), Change(a_job(), building)], cloud.services.ledger)
    assert cloud.services.ledger.totals() == {}


def test_a_retry_moves_a_job_to_another_status(cloud: Cloud) -> None:
    failed = recorded(a_job(), ended(0, Outcome.FAILED))
    update_totals([Change(None, failed)], cloud.services.ledger)
    assert statistics(cloud.services.ledger.totals())["jobs"]["failed"] == 1
    retried = requeued(failed)
    completed = recorded(retried, ended(0, Outcome.SUCCEEDED, 2))
    completed = completed.with_archive(Archive(ArchiveStatus.READY, 1, 9))
    update_totals([Change(failed, retried), Change(retried, completed)], cloud.services.ledger)
    stats = statistics(cloud.services.ledger.totals())
    assert (stats["jobs"]["failed"], stats["jobs"]["completed"]) == (0, 1)
    assert stats["photos"] == {"succeeded": 1, "failed": 0, "skipped": 0}


def test_a_deleted_job_keeps_its_counts_and_a_settled_one_its_status(cloud: Cloud) -> None:
    half = recorded(listed(a_job(), 0, 2, 2), ended(100, Outcome.SUCCEEDED))
    whole = settled_job("j2")
    for _ in range(2):
        update_totals([Change(None, whole), Change(half, None)], cloud.services.ledger)
        update_totals([Change(whole, None)], cloud.services.ledger)
    stats = statistics(cloud.services.ledger.totals())
    assert (stats["jobs"]["deleted"], stats["jobs"]["completed"]) == (1, 1)
    assert stats["photos"]["succeeded"] == 2


def test_an_entry_outlives_its_job_by_two_days(cloud: Cloud) -> None:
    job = settled_job()
    cloud.services.jobs.create(job, [])
    update_totals([Change(None, job)], cloud.services.ledger)
    cloud.services.jobs.forget("j1")
    cloud.services.jobs.delete_rest("j1")
    [entry] = [item for item in cloud.table.scan()["Items"] if item["pk"] == "LEDGER"]
    assert entry["sk"] == "j1"
    assert entry["expires_at"] == job.expires_at + 2 * 86_400


def test_an_outdated_change_adds_nothing() -> None:
    job = settled_job()
    entry = settled_entry(job)
    gone = deleted_entry(requeued(job))
    assert entry is not None
    assert gone is not None
    assert gone.sequence > entry.sequence
    assert difference(gone, entry) == {}
    assert difference(entry, entry) == {}
    assert difference(entry, gone) == {"jobs.completed": -1, "jobs.deleted": 1, "photos.failed": -1}


def test_a_lost_race_is_counted_on_the_newer_entry(cloud: Cloud) -> None:
    """Another worker counts a later change between reading the entry and writing it."""
    ledger = cloud.services.ledger
    first, later = Entry(3, {"jobs.failed": 1}), Entry(5, {"jobs.completed": 1})
    client = cloud.services.ledger.table.meta.client
    write = client.transact_write_items

    def slow(**request: Any) -> Any:
        with mock.patch.object(client, "transact_write_items", write):
            ledger.count("j1", later, 1e9)
        return write(**request)

    with mock.patch.object(client, "transact_write_items", slow):
        assert not ledger.count("j1", first, 1e9)
    assert ledger.totals() == {"jobs.completed": 1}


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, "TransactWriteItems")


@pytest.mark.parametrize("codes", [("None", "TransactionConflict"), ("ConditionalCheckFailed",)])
def test_a_conflict_at_the_totals_is_retried(cloud: Cloud, codes: tuple[str, ...]) -> None:
    ledger = cloud.services.ledger
    client = ledger.table.meta.client
    write = client.transact_write_items
    answers = iter([cancelled(*codes), cancelled(*codes)])

    def busy(**request: Any) -> Any:
        for error in answers:
            raise error
        return write(**request)

    with mock.patch.object(client, "transact_write_items", busy):
        assert ledger.count("j1", Entry(3, {"jobs.failed": 1}), 1e9)
    assert ledger.totals() == {"jobs.failed": 1}


def test_other_errors_are_raised_and_endless_races_raise_retry_later(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darkroom.aws.backoff.time.sleep", lambda _: None)
    client = cloud.services.ledger.table.meta.client
    wrong, races = cancelled("ValidationError", "None"), cancelled("None", "TransactionConflict")
    for error, raised in ((wrong, ClientError), (races, RetryLater)):
        with (
            mock.patch.object(client, "transact_write_items", side_effect=error),
            pytest.raises(raised),
        ):
            cloud.services.ledger.count("j1", Entry(3, {"jobs.failed": 1}), 1e9)
    assert cloud.services.ledger.totals() == {}


# ---- from the stream to the document


def get_stats(credential: str | None = KEY) -> dict[str, Any]:
    answer = app.handler(http_event("GET", "/stats", credential=credential), FakeContext())
    return {"status": answer["statusCode"], **json.loads(answer["body"])}


def test_the_statistics_of_a_new_deployment_are_zero(cloud: Cloud) -> None:
    assert get_stats() == {
        "status": 200,
        "jobs": {"completed": 0, "failed": 0, "cancelled": 0, "expired": 0, "deleted": 0},
        "photos": {"succeeded": 0, "failed": 0, "skipped": 0},
        "bytes": {"in": 0, "out": 0},
        "models": {},
    }


def test_changes_in_the_stream_reach_the_statistics(cloud: Cloud) -> None:
    object.__setattr__(cloud.services.connections, "gateway", StandInGateway())
    building = recorded(a_job(), tally_event())
    ready = building.with_archive(Archive(ArchiveStatus.READY, 1, 9))
    event = job_event((None, building), (building, ready))
    for _ in range(2):
        notify.handler(event, FakeContext())
    stats = get_stats()
    assert stats["jobs"]["completed"] == 1
    assert stats["photos"]["succeeded"] == 1
    assert stats["bytes"] == {"in": 10, "out": 3}
    assert stats["models"] == {"u2netp": {"photos": 1, "mean_seconds": 0.005}}


@pytest.mark.parametrize("path", ["/stats", "/jobs"])
@pytest.mark.parametrize(
    ("credential", "code"), [(None, "no_credential"), (TOKEN, "wrong_key"), ("x", "wrong_key")]
)
def test_only_the_key_reads_statistics_and_all_jobs(
    cloud: Cloud, path: str, credential: str | None, code: str
) -> None:
    cloud.services.jobs.create(a_job(), [])
    answer = app.handler(http_event("GET", path, credential=credential), FakeContext())
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, code)


# ---- the size of a stored job


def test_a_stored_job_of_one_photo_takes_less_than_three_kilobytes(cloud: Cloud) -> None:
    """The final job, tally, block, photo and ledger entry, and the job's entry in `history`."""
    job_id = "0123456789abcdef0123456789abcdef"
    key = f"uploads/{job_id}/000000/IMG_20261124_0801.jpg"
    photo = replace(
        done(0, job_id),
        name="IMG_20261124_0801.jpg",
        size=4_812_345,
        source=Source(key=key, etag="0123456789abcdef0123456789abcdef", size=4_812_345),
        result=a_result(0, key=key.replace("uploads", "results"), size=812_345, milliseconds=640),
    )
    event = file_event(photo)
    assert event is not None
    jobs = cloud.services.jobs
    store(jobs, a_job(job_id=job_id), photo)
    ready = Archive(ArchiveStatus.READY, 1, 812_999)
    job, _ = jobs.change(job_id, lambda job: job.with_archive(ready))
    update_totals([Change(None, job)], cloud.services.ledger)

    stored = [item for item in cloud.table.scan()["Items"] if item["pk"] != "STATS"]
    sizes = {item["pk"].partition("#")[0] + item["sk"][:3]: stored_bytes(item) for item in stored}
    index_entry = {name: items.job_item(job)[name] for name in ("pk", "sk", "day", "created_at")}
    total = sum(sizes.values()) + stored_bytes(index_entry)
    assert len(stored) == 5
    assert "open" not in items.job_item(job)
    assert 1500 < total < 2700, sizes


def test_a_failed_push_does_not_stop_the_totals(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushes depend on clients, and no client may keep a job out of the statistics."""

    class Broken(StandInGateway):
        def post_to_connection(self, **_: Any) -> None:
            raise RuntimeError("the client is too slow")

    object.__setattr__(cloud.services.connections, "gateway", Broken())
    cloud.services.connections.opened("c1", "j1", 1e10)
    cloud.services.connections.subscribe("c1", "j1", 1e10)
    notify.handler(job_event((a_job(), settled_job())), FakeContext())
    assert cloud.services.ledger.totals()["jobs.completed"] == 1
