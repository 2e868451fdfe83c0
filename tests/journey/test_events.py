"""A job that is done, told to the account by EventBridge and, by webhook, outside."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.journey.api import CAT, Api

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

DOCS = (Path(__file__).parents[2] / "docs/events.md").read_text(encoding="utf-8")
EXAMPLE, PATTERN = (json.loads(found) for found in re.findall(r"```json\n(.+?)```", DOCS, re.S))
EVERY = {name: PATTERN[name] for name in ("source", "detail-type")}


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def listening(stack: Stack, name: str, pattern: dict[str, Any]) -> Iterator[str]:
    """A queue behind a rule; gone afterwards."""
    sqs, events = stack.client("sqs"), stack.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def every(stack: Stack) -> Iterator[str]:
    yield from listening(stack, "every-job", EVERY)


@pytest.fixture
def documented(stack: Stack) -> Iterator[str]:
    """The rule of docs/events.md: drops under inbox/shop/ that brought results."""
    yield from listening(stack, "drops-of-the-shop", PATTERN)


def received(stack: Stack, url: str, wanted: Callable[[Any], bool]) -> Any:
    """The first event whose detail is wanted; others go by."""
    sqs = stack.client("sqs")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
        for message in found.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if wanted(event["detail"]):
                return event
    raise AssertionError("no such event came")


def shape(document: Any) -> Any:
    """The keys of a document, all the way down."""
    if not isinstance(document, dict):
        return None
    return {name: shape(value) for name, value in document.items()}


def test_a_job_of_the_api_is_told(api: Api, stack: Stack, every: str) -> None:
    job = api.send({"cat.jpg": CAT}, remove_bg=False)
    event = received(stack, every, lambda detail: detail["job_id"] == job["job_id"])
    assert (event["source"], event["detail-type"]) == ("darkroom.job", "JobCompleted")
    detail = event["detail"]
    assert shape(detail) == shape(EXAMPLE)
    assert detail["id"] == f"{job['job_id']}.1"
    assert (detail["status"], detail["job_type"], detail["attempt"]) == ("completed", "single", 1)
    assert detail["summary"] == {"total": 1, "succeeded": 1, "failed": 0, "skipped": 0}
    assert (detail["error"], detail["source"]) == (None, None)
    assert detail["created_at"] < detail["completed_at"]
    s3 = stack.client("s3")
    listed = s3.list_objects_v2(Bucket=detail["bucket"], Prefix=detail["results"])["Contents"]
    assert [item["Key"].rpartition("/")[2] for item in listed] == ["cat.png"]
    assert s3.head_object(Bucket=detail["bucket"], Key=detail["archive"])["ContentLength"] > 0


def test_a_drop_is_told_with_where_it_came_from(stack: Stack, documented: str) -> None:
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    options = {"darkroom-options": json.dumps({"remove_bg": False})}
    for key in ("inbox/other/a cat.jpg", "inbox/shop/a cat.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=CAT, Metadata=options)
    event = received(stack, documented, lambda detail: True)
    assert shape(event["detail"]) == shape(EXAMPLE)
    assert event["detail"]["source"] == "inbox/shop/a cat.jpg"
    assert event["detail"]["job_type"] == "drop"


def test_a_retry_is_told_again_under_the_next_id(api: Api, stack: Stack, every: str) -> None:
    job = api.send({"text.jpg": b"this is no photo"}, remove_bg=False)

    def told(attempt: int) -> Any:
        wanted = (job["job_id"], attempt)
        return received(stack, every, lambda one: (one["job_id"], one["attempt"]) == wanted)

    first = told(1)["detail"]
    assert (first["status"], first["archive"]) == ("failed", None)
    assert first["error"]["code"] == "not_a_photo"
    assert api.call("POST", f"jobs/{job['job_id']}/retry", job["token"]).status_code == 202
    assert told(2)["detail"]["id"] == f"{job['job_id']}.2"


def test_a_webhook_whose_receiver_is_not_there_is_kept_for_later(api: Api, stack: Stack) -> None:
    """The function reads its secret, cannot resolve the host, and sends the message again."""
    sqs = stack.client("sqs")
    [url] = [url for url in sqs.list_queues()["QueueUrls"] if "WebhooksQueue" in url]
    made = api.call(
        "POST",
        "jobs",
        json={
            "files": [{"name": "cat.jpg", "size": len(CAT)}],
            "options": {"remove_bg": False},
            "callback_url": "https://receiver.invalid/done",
        },
    ).json()
    assert api.call("POST", f"jobs/{made['job_id']}/cancel", made["token"]).status_code == 200
    end = time.monotonic() + 60
    delayed = "ApproximateNumberOfMessagesDelayed"
    while time.monotonic() < end:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[delayed])
        if found["Attributes"][delayed] != "0":
            return
        time.sleep(0.1)
    raise AssertionError("nothing was kept for later")
