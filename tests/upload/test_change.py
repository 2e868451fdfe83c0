"""Cancel, retry and delete: the responses, and the effects on the job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from darkroom.archives import Archive
from darkroom.states import ArchiveStatus, FileStatus, JobStatus
from functions.upload import app
from tests.conftest import KEY, Cloud, FakeContext, http_event
from tests.making import TOKEN, a_file, a_job, a_result, store


def call(
    method: str, path: str, body: Any = None, credential: str | None = TOKEN
) -> tuple[int, Any]:
    text = None if body is None else json.dumps(body)
    event = http_event(method, path, body=text, credential=credential)
    answer = app.handler(event, FakeContext())
    return answer["statusCode"], json.loads(answer["body"] or "null")


def failed_job(cloud: Cloud) -> None:
    """A job of two photos: one has failed, the other was processed."""
    error = {"code": "damaged_photo", "message": "It is."}
    failed = a_file(0, status=FileStatus.FAILED, error=error)
    done = a_file(1, status=FileStatus.SUCCEEDED, result=a_result(1))
    job = store(cloud.services.jobs, a_job(uploads=2), failed, done)
    ready = Archive(ArchiveStatus.READY, 1, 9)
    cloud.services.jobs.change(job.job_id, lambda job: job.with_archive(ready))


def status(cloud: Cloud) -> JobStatus:
    return cloud.services.jobs.require("j1").status


def test_a_cancel_is_idempotent(cloud: Cloud) -> None:
    cloud.services.jobs.create(a_job(uploads=2), [a_file(0), a_file(1)])
    for _ in range(2):
        code, document = call("POST", "/jobs/j1/cancel")
        assert (code, document["status"]) == (200, "cancelled")
        assert document["sequence"] == 2


def test_cancelling_an_ended_job_changes_nothing(cloud: Cloud) -> None:
    failed_job(cloud)
    assert call("POST", "/jobs/j1/cancel")[1]["status"] == "completed"


def test_a_retry_can_change_the_options(cloud: Cloud) -> None:
    failed_job(cloud)
    code, document = call("POST", "/jobs/j1/retry", {"options": {"model": "silueta"}})
    assert (code, document["status"], document["archive"]["status"]) == (202, "processing", "none")
    job = cloud.services.jobs.require("j1")
    assert json.loads(job.options)["model"] == "silueta"
    assert (job.attempt, [retry.files for retry in job.retries]) == (2, [()])


def test_chosen_files_are_processed_again_whatever_their_outcome(cloud: Cloud) -> None:
    failed_job(cloud)
    before = cloud.services.jobs.require("j1").options
    body = {"files": ["000001"], "options": {"model": "silueta"}}
    assert call("POST", "/jobs/j1/retry", body)[0] == 202
    job = cloud.services.jobs.require("j1")
    [retry] = job.retries
    assert retry.files == ("000001",)
    assert json.loads(retry.options or "")["model"] == "silueta"
    assert job.options == before, "the options are the chosen files' own"


def test_a_job_can_be_retried_while_it_runs(cloud: Cloud) -> None:
    failed = a_file(0, status=FileStatus.FAILED, error={"code": "x", "message": "y"})
    store(cloud.services.jobs, a_job(uploads=2), failed, a_file(1))
    assert call("POST", "/jobs/j1/retry")[0] == 202
    assert cloud.services.jobs.require("j1").attempt == 1, "it has not settled yet"


def test_a_retry_without_options_keeps_them(cloud: Cloud) -> None:
    failed_job(cloud)
    before = cloud.services.jobs.require("j1").options
    assert call("POST", "/jobs/j1/retry")[0] == 202
    assert cloud.services.jobs.require("j1").options == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"options": {"model": "x"}}, "unknown_model"),
        ({"options": {"y": 1}}, "invalid_options"),
        ({"option": {}}, "invalid_retry"),
        ({"files": ["000002"]}, "unknown_file"),
        ({"files": []}, "invalid_retry"),
        ({"files": ["2"]}, "invalid_retry"),
    ],
)
def test_an_invalid_retry_changes_nothing(cloud: Cloud, body: Any, code: str) -> None:
    failed_job(cloud)
    refused, problem = call("POST", "/jobs/j1/retry", body)
    assert (refused, problem["code"]) == (422, code)
    assert status(cloud) is JobStatus.COMPLETED


def test_a_retry_of_a_job_without_failures_is_a_conflict(cloud: Cloud) -> None:
    cloud.services.jobs.create(a_job(), [a_file(0)])
    refused, problem = call("POST", "/jobs/j1/retry")
    assert (refused, problem["code"]) == (409, "nothing_to_retry")


def test_only_so_many_retries_are_under_way_at_once(cloud: Cloud) -> None:
    failed_job(cloud)
    for _ in range(20):
        assert call("POST", "/jobs/j1/retry", {"files": ["000000"]})[0] == 202
    refused, problem = call("POST", "/jobs/j1/retry", {"files": ["000000"]})
    assert (refused, problem["code"]) == (409, "retry_under_way")


def test_a_deleted_job_is_unknown_at_once(cloud: Cloud) -> None:
    failed_job(cloud)
    assert call("DELETE", "/jobs/j1") == (204, None)
    assert call("DELETE", "/jobs/j1", credential=KEY)[1]["code"] == "unknown_job"
    assert call("POST", "/jobs/j1/cancel", credential=TOKEN)[1]["code"] == "wrong_key"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/jobs/j1/cancel"), ("POST", "/jobs/j1/retry"), ("DELETE", "/jobs/j1")],
)
def test_another_jobs_token_is_refused(cloud: Cloud, method: str, path: str) -> None:
    failed_job(cloud)
    refused, problem = call(method, path, credential="j2.secret")
    assert (refused, problem["code"]) == (401, "wrong_token")
    assert status(cloud) is JobStatus.COMPLETED
