"""GET /jobs: all jobs, newest first, page by page."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from darkroom import clock
from darkroom.archives import Archive
from darkroom.aws import backoff
from darkroom.aws.index import JobIndex
from darkroom.aws.items import job_item
from darkroom.counting import count_events
from darkroom.errors import RetryLater
from darkroom.history_cursor import HistoryCursor
from darkroom.jobs import Job
from darkroom.outcomes import Outcome
from darkroom.states import ArchiveStatus, JobStatus
from functions.status import app, history
from tests.conftest import KEY, Cloud, FakeContext, http_event
from tests.making import a_job, event_of

DAY = 86_400
NOW = 1_700_000_000.0  # 2023-11-14, 22:13:20


@pytest.fixture(autouse=True)
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def get(**query: str) -> Any:
    event = http_event("GET", "/jobs", credential=KEY, query=query or None)
    answer = app.handler(event, FakeContext())
    return json.loads(answer["body"]) | {"code": answer["statusCode"]}


def make(cloud: Cloud, job_id: str, ago: float, **changes: Any) -> Job:
    created = NOW - ago
    values = {"job_id": job_id, "created_at": created, "updated_at": created, **changes}
    job = a_job(**{"expires_at": created + 7 * DAY} | values)
    cloud.services.jobs.create(job, [])
    return job


def ids(page: Any) -> list[str]:
    return [job["job_id"] for job in page["jobs"]]


def walk(**query: str) -> list[list[str]]:
    """All pages, each fetched with the cursor of the previous one."""
    pages, cursor = [], {}
    while True:
        page = get(**query, **cursor)
        pages.append(ids(page))
        if page["cursor"] is None:
            return pages
        cursor = {"cursor": page["cursor"]}


def test_an_empty_list(cloud: Cloud) -> None:
    assert get() == {"code": 200, "jobs": [], "cursor": None}


def test_a_job_is_listed_as_its_document_without_recent(cloud: Cloud) -> None:
    archive = Archive(ArchiveStatus.READY, 1, 9)
    make(cloud, "j1", 60, status=JobStatus.COMPLETED, archive=archive)
    [job] = get()["jobs"]
    assert job["status"] == "completed"
    assert job["metadata"]["created_at"] == "2023-11-14T22:12:20.000Z"
    assert job["links"]["self"] == "jobs/j1"
    assert "archives/j1/1.zip" in job["links"]["download"]
    assert "recent" not in job


@pytest.mark.parametrize("limit", ["1", "2", "3", "5", "100"])
def test_pages_cover_all_days_and_list_each_job_once(cloud: Cloud, limit: str) -> None:
    agos = [0, 0.001, 60, DAY, DAY, 3 * DAY, 3 * DAY + 5, 6.99 * DAY]
    for number, ago in enumerate(agos):
        make(cloud, f"j{number}", ago)
    pages = walk(limit=limit)
    listed = [job_id for page in pages for job_id in page]
    assert sorted(listed[3:5]) == ["j3", "j4"], "created in the same millisecond"
    assert [*listed[:3], *listed[5:]] == ["j0", "j1", "j2", "j5", "j6", "j7"]
    assert all(len(page) <= int(limit) for page in pages)


def test_a_rare_status_is_found(cloud: Cloud) -> None:
    for number in range(150):
        status = JobStatus.FAILED if number == 140 else JobStatus.COMPLETED
        make(cloud, f"j{number}", number, status=status)
    assert get(status="failed", limit="1")["jobs"][0]["job_id"] == "j140"
    assert walk(status="failed") == [["j140"]]
    assert walk(status="expired") == [[]]
    assert sum(map(len, walk(status="completed", limit="40"))) == 149


def test_a_page_that_takes_too_many_reads_continues_at_its_cursor(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_READS", 2)
    make(cloud, "old", 5 * DAY)
    assert walk() == [[], [], ["old"], []]


def test_deleted_and_expired_jobs_are_not_listed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cloud, "kept", 10)
    make(cloud, "over", 20, expires_at=NOW - 1)
    make(cloud, "gone", 30)
    cloud.services.jobs.forget("gone")
    assert ids(get()) == ["kept"]


def test_a_deleted_job_that_the_index_still_has_is_not_listed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is eventually consistent."""
    make(cloud, "kept", 10)
    fetch = JobIndex.fetch
    monkeypatch.setattr(JobIndex, "fetch", lambda self, ids: fetch(self, [*ids, "gone"]))
    assert ids(get()) == ["kept"]


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"status": "lost"},
        {"status": "queued", "limit": "x"},
        {"cursor": "!"},
        {"cursor": "ä"},
        {"cursor": "a"},
        {"cursor": cursor("2023-11-14 1 2 3")},
        {"cursor": cursor("2023-11-31")},
        {"cursor": cursor("2023-11-15")},
        {"cursor": cursor("2023-11-13 1700000000 j1")},
        {"cursor": cursor("2023-11-14 99999999999 j1")},
        {"cursor": cursor("2023-11-14 1700000000 j1#")},
    ],
)
def test_a_wrong_query_names_the_field(cloud: Cloud, query: dict[str, str]) -> None:
    answer = get(**query)
    assert (answer["code"], answer["title"]) == (422, "Unprocessable Entity")
    assert answer["errors"][0]["field"] == list(query)[-1]


def test_a_cursor_from_before_the_oldest_job_ends_the_list(cloud: Cloud) -> None:
    make(cloud, "j1", 0)
    assert get(cursor=cursor("2023-11-01")) == {"code": 200, "jobs": [], "cursor": None}


def test_a_cursor_is_parsed_as_it_was_written() -> None:
    for written in (
        HistoryCursor("2023-11-14"),
        HistoryCursor("2023-11-14", "1700000000.001", "a-b_C9"),
    ):
        assert HistoryCursor.parse(str(written)) == written
    assert HistoryCursor("2024-03-01", "1709251200", "j1").day_before() == HistoryCursor(
        "2024-02-29"
    )


# ---- the batch read


class PartialClient:
    """A client that processes only the first `limit` keys of each request, as DynamoDB may."""

    def __init__(self, jobs: list[Job], limit: int = 1) -> None:
        self.items = {item["pk"]: item for item in map(job_item, jobs)}
        self.limit = limit

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        keys = RequestItems["darkroom"]["Keys"]
        processed, rest = keys[: self.limit], keys[self.limit :]
        found = [self.items[key["pk"]] for key in processed if key["pk"] in self.items]
        unprocessed = {"darkroom": {"Keys": rest}} if rest else {}
        return {"Responses": {"darkroom": found}, "UnprocessedKeys": unprocessed}


def an_index(client: Any) -> JobIndex:
    table: Any = type("Table", (), {"name": "darkroom"})()
    table.meta = type("Meta", (), {"client": client})()
    return JobIndex(table)


def test_unprocessed_keys_are_requested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff.time, "sleep", lambda _: None)
    jobs = [a_job(job_id=f"j{number}") for number in range(4)]
    names = [job.job_id for job in reversed(jobs)]
    fetched = an_index(PartialClient(jobs)).fetch([*names, "gone"])
    assert [job.job_id for job in fetched] == names
    with pytest.raises(RetryLater):
        an_index(PartialClient(jobs, limit=0)).fetch(names)


def unfinished(cloud: Cloud) -> list[str]:
    return [job.job_id for page in cloud.services.index.unfinished(NOW) for job in page]


def test_the_unfinished_index_has_only_jobs_that_are_not_settled(cloud: Cloud) -> None:
    """Changes within the same five minutes leave the job's index keys as they are."""
    make(cloud, "j1", 0)
    keys = set()
    for change in (lambda job: job.granted(NOW + 60), Job.nudged, Job.cancelled):
        cloud.services.jobs.change("j1", change)
        item = cloud.table.get_item(Key={"pk": "JOB#j1", "sk": "JOB"})["Item"]
        keys.add((item["open"], int(item["stirred"]), item["day"]))
    assert keys == {("yes", NOW // 300 * 300, "2023-11-14")}
    assert unfinished(cloud) == ["j1"]
    jobs = cloud.services.jobs
    count_events(jobs.require("j1"), [event_of(0, Outcome.CANCELLED)], jobs)
    assert unfinished(cloud) == []
    assert ids(get()) == ["j1"]
