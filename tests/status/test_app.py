"""GET: jobs, files, results and archives."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from darkroom.archives import Archive
from darkroom.aws.services import services
from darkroom.counting import count_files
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.shipped_presets import SHIPPED
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.status import app
from tests.conftest import KEY, Cloud, FakeContext, http_event
from tests.making import TOKEN, a_file, a_job, a_result, store


def get(path: str, credential: str | None = KEY, **query: str) -> dict[str, Any]:
    event = http_event("GET", path, credential=credential, query=query or None)
    answer = app.handler(event, FakeContext())
    answer["json"] = json.loads(answer["body"]) if answer["body"].startswith("{") else None
    return answer


@pytest.fixture
def job(cloud: Cloud) -> Job:
    """A job with one file that succeeded, one that failed, and one that has not arrived."""
    files = [
        a_file(0, status=FileStatus.SUCCEEDED, result=a_result(0, faces=1), name="sub/photo-0.jpg"),
        a_file(1, status=FileStatus.FAILED, error={"code": "damaged", "message": "It is."}),
        a_file(2),
    ]
    cloud.put("results/j1/000000/photo-0.png", b"PNG")
    return store(cloud.services.jobs, a_job(uploads=3), *files)


def keep(cloud: Cloud, **changes: Any) -> None:
    cloud.services.jobs.create(a_job(**changes), [])


def test_the_document_and_its_links(job: Job) -> None:
    answer = get("/jobs/j1")
    assert answer["statusCode"] == 200
    assert answer["json"]["status"] == "processing"
    assert answer["json"]["progress"]["total"] is None
    assert answer["json"]["links"]["archive"] == "jobs/j1/archive"


@pytest.mark.parametrize(
    ("credential", "path", "status", "code"),
    [
        (TOKEN, "/jobs/j1", 200, None),
        ("j1.guess", "/jobs/j1", 401, "wrong_token"),
        ("j2.secret", "/jobs/j1", 401, "wrong_token"),
        (None, "/jobs/j1", 401, "no_credential"),
        (KEY, "/jobs/other", 404, "unknown_job"),
        (TOKEN, "/jobs/other", 401, "wrong_key"),
        (KEY, "/jobs/j1/files/000009", 404, "unknown_file"),
        (KEY, "/jobs/j1/files/000002?", 404, "unknown_route"),
    ],
)
def test_credentials_and_ids_are_checked(
    job: Job, credential: str | None, path: str, status: int, code: str | None
) -> None:
    answer = get(path, credential)
    assert answer["statusCode"] == status
    assert answer["json"].get("code") == code


def test_the_presets_are_listed_without_a_key(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"shop": {"description": "Our shop", "options": {"dpi": 300}}}
    monkeypatch.setenv("PRESETS", json.dumps(own))
    services.cache_clear()
    answer = get("/presets", credential=None)
    assert answer["statusCode"] == 200
    listed = {preset["name"]: preset for preset in answer["json"]["presets"]}
    assert set(listed) == {*SHIPPED, "shop"}
    assert listed["shop"]["options"] == {"dpi": 300}
    assert listed["shop"]["source"] is None
    assert listed["walmart"]["source"].startswith("https://marketplacelearn.walmart.com/")
    assert listed["walmart"]["options"]["canvas"]["width"] == 2200
    assert listed["walmart"]["checked"] == "2026-11"


def test_files_are_listed_page_by_page(job: Job) -> None:
    first = get("/jobs/j1/files", limit="2")["json"]
    assert [file["status"] for file in first["files"]] == ["succeeded", "failed"]
    second = get("/jobs/j1/files", limit="2", cursor=first["cursor"])["json"]
    assert [file["file_id"] for file in second["files"]] == ["000002"]
    assert second["cursor"] is None


def test_a_file_describes_its_result(job: Job) -> None:
    file = get("/jobs/j1/files", status="succeeded")["json"]["files"][0]
    assert file["name"] == "sub/photo-0.jpg"
    result = file["result"]
    assert (result["width"], result["height"], result["faces"]) == (4, 2, 1)
    assert (result["bytes"], result["model"], result["duration_ms"]) == (3, "u2netp", 5)
    url = urlsplit(result["url"])
    assert url.path.endswith("results/j1/000000/photo-0.png")
    disposition = parse_qs(url.query)["response-content-disposition"]
    assert disposition == ['attachment; filename="photo-0.png"']


def test_a_failed_file_has_its_error(job: Job) -> None:
    file = get("/jobs/j1/files", status="failed")["json"]["files"][0]
    assert (file["error"]["code"], file["result"]) == ("damaged", None)


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"status": "lost"}, {"cursor": "../"}]
)
def test_a_wrong_query_names_the_field(job: Job, query: dict[str, str]) -> None:
    answer = get("/jobs/j1/files", **query)
    assert answer["statusCode"] == 422
    assert [error["field"] for error in answer["json"]["errors"]] == list(query)


def test_a_result_as_data_url(job: Job) -> None:
    data = get("/jobs/j1/files/000000", **{"as": "data-url"})["json"]["data_url"]
    assert data == "data:image/png;base64," + base64.b64encode(b"PNG").decode()


def test_a_result_as_redirect(job: Job) -> None:
    answer = get("/jobs/j1/files/000000", **{"as": "redirect"})
    assert answer["statusCode"] == 302
    assert "results/j1/000000/photo-0.png" in answer["headers"]["Location"]


def test_a_result_too_large_for_a_data_url_is_answered_with_its_url(cloud: Cloud) -> None:
    big = a_file(0, status=FileStatus.SUCCEEDED, result=a_result(0, size=4_000_001))
    store(cloud.services.jobs, a_job(), big)
    answer = get("/jobs/j1/files/000000", **{"as": "data-url"})
    assert (answer["statusCode"], answer["json"]["code"]) == (409, "result_too_large")
    assert "results/j1/000000/photo-0.png" in answer["json"]["detail"]


@pytest.mark.parametrize(
    ("query", "code"), [({"as": "data-url"}, "no_result"), ({"as": "gif"}, None)]
)
def test_a_missing_result_and_an_unknown_form_are_refused(
    job: Job, query: dict[str, str], code: str
) -> None:
    answer = get("/jobs/j1/files/000001", **query)
    assert answer["json"]["code"] == (code or "invalid_query")


@pytest.mark.parametrize(
    ("archive", "status", "answered"),
    [
        (Archive(), JobStatus.PROCESSING, 202),
        (Archive(ArchiveStatus.BUILDING, 1), JobStatus.COMPLETED, 202),
        (Archive(ArchiveStatus.READY, 1, 5), JobStatus.COMPLETED, 302),
        (Archive(ArchiveStatus.FAILED, 1), JobStatus.COMPLETED, 409),
        (Archive(), JobStatus.FAILED, 409),
    ],
)
def test_the_archive(cloud: Cloud, archive: Archive, status: JobStatus, answered: int) -> None:
    keep(cloud, archive=archive, status=status)
    answer = get("/jobs/j1/archive")
    assert answer["statusCode"] == answered
    if answered == 202:
        assert answer["headers"]["Retry-After"] == "2"
    if answered == 302:
        assert "archives/j1/1.zip" in answer["headers"]["Location"]
    download = get("/jobs/j1")["json"]["links"]["download"] or ""
    assert ("archives/j1/1.zip" in download) is (answered == 302)


def test_health_models_and_page_need_no_credential(cloud: Cloud) -> None:
    assert get("/health", None)["json"]["status"] == "ok"
    assert get("/models", None)["json"] == {"default": "u2netp", "models": ["u2netp", "silueta"]}
    page = get("/", None)
    assert page["headers"]["Content-Type"].startswith("text/html")
    assert page["body"].lstrip().lower().startswith("<!doctype html>")


def test_a_crash_is_a_problem_with_a_request_id(cloud: Cloud) -> None:
    cloud.table.delete()
    answer = get("/jobs/j1")
    assert (answer["statusCode"], answer["json"]["code"]) == (500, "internal")
    assert answer["json"]["request_id"] == "request-1"
    assert "ResourceNotFound" not in answer["body"]


def test_a_file_survives_the_table(cloud: Cloud) -> None:
    file: File = a_file(
        0, status=FileStatus.SUCCEEDED, result=a_result(0, faces=2, bytes_in=9), modified=1.5
    )
    store(cloud.services.jobs, a_job(), file)
    found = cloud.services.jobs.file("j1", "000000")
    assert found == replace(file, stored=True, expires_at=a_job().expires_at)


# ---- files that need a look


def reviewed(cloud: Cloud, scores: list[int | None]) -> list[tuple[str, float]]:
    """Ids and scores of the files listed with `review=true`, in pages of two."""
    files = [
        a_file(
            index,
            status=FileStatus.SUCCEEDED,
            result=a_result(index, score=score, reasons=("uncertain_edges",) if score else ()),
        )
        for index, score in enumerate(scores)
    ]
    store(cloud.services.jobs, a_job(uploads=len(files)), *files)
    listed, cursor = [], ""
    while True:
        query = {"review": "true", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = get("/jobs/j1/files", **query)["json"]
        listed += [(file["file_id"], file["confidence"]["score"]) for file in page["files"]]
        cursor = page["cursor"]
        if cursor is None:
            return listed


def test_the_worst_files_are_listed_first(cloud: Cloud) -> None:
    listed = reviewed(cloud, [200, 90, None, 1, 127, 128, 90, 255])
    assert [file_id for file_id, _ in listed] == ["000003", "000001", "000006", "000004"]
    assert listed[0][1] == 0.0
    job = cloud.services.jobs.require("j1")
    assert job.counts.review == 4
    assert get("/jobs/j1")["json"]["summary"]["review"] == 4


def test_a_job_without_scores_has_nothing_to_review(cloud: Cloud) -> None:
    assert reviewed(cloud, [None, None]) == []
    [first, _] = get("/jobs/j1/files")["json"]["files"]
    assert first["confidence"] is None


def test_a_file_says_why_it_needs_a_look(cloud: Cloud) -> None:
    reviewed(cloud, [64])
    [file] = get("/jobs/j1/files")["json"]["files"]
    assert file["confidence"] == {
        "score": 0.248,
        "reasons": [
            {
                "code": "uncertain_edges",
                "message": "The model is unsure where the subject ends.",
            }
        ],
    }


def test_a_retry_replaces_the_score(cloud: Cloud) -> None:
    reviewed(cloud, [10, 200])
    jobs = cloud.services.jobs
    jobs.change("j1", lambda job: job.retried(None, ["000000"]))
    file = jobs.file("j1", "000000")
    assert file is not None
    jobs.requeued(file)
    count_files(jobs.files("j1"), jobs)
    assert jobs.require("j1").counts.review == 0, "it is not judged until it has a result again"
    again = jobs.file("j1", "000000")
    assert again is not None
    jobs.ended(again, FileStatus.SUCCEEDED, a_result(0, score=20, bytes_in=1))
    count_files(jobs.files("j1"), jobs)
    assert jobs.require("j1").counts.review == 1
