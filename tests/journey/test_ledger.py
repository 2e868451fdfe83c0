"""The job list, the totals and the sweep on the deployed template, with IAM enforced."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest

from darkroom.aws.table import JobTable
from darkroom.messages import Source
from local.stack import Stack
from tests.journey.api import CAT, Api

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


@pytest.fixture(scope="module")
def table(stack: Stack) -> Any:
    session = boto3.session.Session()
    resource = session.resource(
        "dynamodb",
        endpoint_url=f"http://{stack.address}",
        region_name="us-east-1",
        aws_access_key_id=stack.access_key,
        aws_secret_access_key=stack.secret_key,
    )
    return resource.Table(stack.outputs["TableName"])


def until(read: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """Read until `done`, for a minute at most; returns the last value."""
    end = time.monotonic() + 60
    value = read()
    while not done(value) and time.monotonic() < end:
        time.sleep(0.2)
        value = read()
    return value


def sweep_function(stack: Stack) -> str:
    functions = stack.client("lambda").list_functions()["Functions"]
    handler = "functions.recovery.sweep.handler"
    [name] = [each["FunctionName"] for each in functions if each["Handler"] == handler]
    return str(name)


def sweep(stack: Stack) -> dict[str, int]:
    """Invoke the deployed sweep as its schedule does; returns its counts of actions."""
    answer = stack.client("lambda").invoke(FunctionName=sweep_function(stack), Payload=b"{}")
    body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    actions: dict[str, int] = json.loads(body)
    return actions


def backdate(table: Any, job_id: str, seconds: float) -> None:
    """Move a job's creation and last change into the past."""
    then = int(time.time() - seconds)
    changes = {
        "created_at": then,
        "updated_at": then,
        "grants_until": then + 3600,
        "stirred": then // 300 * 300,
        "day": time.strftime("%Y-%m-%d", time.gmtime(then)),
    }
    table.update_item(
        Key={"pk": f"JOB#{job_id}", "sk": "JOB"},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
        ExpressionAttributeNames={f"#{name}": name for name in changes},
        ExpressionAttributeValues={f":{name}": value for name, value in changes.items()},
    )


def test_a_completed_job_is_listed_and_counted(api: Api) -> None:
    before = api.call("GET", "stats").json()
    job = api.send({"cat.jpg": CAT, "text.jpg": b"this is no photo"})
    [listed] = api.call("GET", "jobs?limit=1").json()["jobs"]
    assert listed["job_id"] == job["job_id"]
    document = api.wait(job)
    stats = until(
        lambda: api.call("GET", "stats").json(),
        lambda now: now["jobs"]["completed"] > before["jobs"]["completed"],
    )

    grown = {
        group: {name: number - before[group][name] for name, number in stats[group].items()}
        for group in ("jobs", "photos", "bytes")
    }
    assert grown["jobs"] == {
        "completed": 1,
        "failed": 0,
        "cancelled": 0,
        "expired": 0,
        "deleted": 0,
    }
    assert grown["photos"] == {"succeeded": 1, "failed": 1, "skipped": 0}
    result = api.files(job)["cat.jpg"]["result"]
    assert grown["bytes"] == {"in": len(CAT), "out": result["bytes"]}
    model = stats["models"][result["model"]]
    earlier = before["models"].get(result["model"], {"photos": 0})
    assert model["photos"] == earlier["photos"] + 1
    assert model["mean_seconds"] > 0

    completed = api.call("GET", "jobs?status=completed").json()["jobs"]
    [listed] = [entry for entry in completed if entry["job_id"] == job["job_id"]]
    assert listed["summary"] == document["summary"]
    assert "recent" not in listed
    refused = api.call("GET", "jobs", job["token"])
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_key")


def test_the_sweep_expires_a_job_without_uploads(api: Api, stack: Stack, table: Any) -> None:
    declared = {"files": [{"name": "a.jpg", "size": 9}, {"name": "b.jpg", "size": 9}]}
    job = api.call("POST", "jobs", json=declared).json()
    late = api.call("POST", "jobs", json={"files": declared["files"][:1]}).json()
    stack.client("s3").create_multipart_upload(
        Bucket=stack.outputs["BucketName"], Key="inbox/never.zip"
    )
    backdate(table, job["job_id"], 3 * 3600)
    actions = sweep(stack)
    assert actions["look_for_uploads"] == 1
    assert actions["aborted_uploads"] == 0, "the multipart upload is not a day old"

    document = until(
        lambda: api.call("GET", f"jobs/{job['job_id']}").json(),
        lambda now: now["progress"]["processed"] == 2,
    )
    assert (document["status"], document["error"]["code"]) == ("expired", "never_uploaded")
    assert document["summary"] == {
        "total": 2,
        "succeeded": 0,
        "failed": 0,
        "skipped": 2,
        "review": 0,
        "success_percentage": 0.0,
    }
    assert api.call("GET", f"jobs/{late['job_id']}").json()["status"] == "awaiting_upload"
    stats = until(lambda: api.call("GET", "stats").json(), lambda now: now["jobs"]["expired"] >= 1)
    assert stats["jobs"]["expired"] == 1
    [listed] = api.call("GET", "jobs?status=expired").json()["jobs"]
    assert listed["job_id"] == job["job_id"]
    assert sweep(stack).get("look_for_uploads", 0) == 0


@contextmanager
def events_lost(stack: Stack) -> Iterator[None]:
    """Turn off the bucket's notifications for the length of the block."""
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    configuration.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )


def test_the_sweep_finds_an_upload_whose_event_was_lost(api: Api, stack: Stack, table: Any) -> None:
    with events_lost(stack):
        job = api.send({"cat.jpg": CAT}, remove_bg=False)
    backdate(table, job["job_id"], 3 * 3600)
    assert sweep(stack)["look_for_uploads"] == 1
    assert api.wait(job)["summary"] == {
        "total": 1,
        "succeeded": 1,
        "failed": 0,
        "skipped": 0,
        "review": 0,
        "success_percentage": 100.0,
    }


def test_a_nudge_dispatches_a_photo_whose_message_was_lost(
    api: Api, stack: Stack, table: Any
) -> None:
    """The fan-out wrote the file, but ended before it sent the message."""
    with events_lost(stack):
        created = api.send({"cat.jpg": CAT}, remove_bg=False)
    jobs, job_id = JobTable(table), created["job_id"]
    bucket = stack.outputs["BucketName"]
    [stored] = stack.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"uploads/{job_id}/")[
        "Contents"
    ]
    file = jobs.file(job_id, "000000")
    assert file is not None
    source = Source(key=stored["Key"], etag=stored["ETag"].strip('"'), size=stored["Size"])
    assert jobs.arrived(replace(file, source=source))
    until(lambda: jobs.require(job_id), lambda job: job.total == 1)
    backdate(table, job_id, 3 * 3600)
    assert sweep(stack)["nudge"] == 1
    assert api.wait(created)["summary"] == {
        "total": 1,
        "succeeded": 1,
        "failed": 0,
        "skipped": 0,
        "review": 0,
        "success_percentage": 100.0,
    }


def test_the_sweep_runs_every_five_minutes(stack: Stack) -> None:
    events = stack.client("events")
    [rule] = [r for r in events.list_rules()["Rules"] if r["ScheduleExpression"]]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(5 minutes)", "ENABLED")
    [target] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].rpartition(":")[2] == sweep_function(stack)
