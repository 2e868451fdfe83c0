"""A completed job is announced on EventBridge and to its webhook."""

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
EXAMPLE, PATTERN = (json.loads(block) for block in re.findall(r"```json\n(.+?)```", DOCS, re.S))
EVERY_JOB = {name: PATTERN[name] for name in ("source", "detail-type")}


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def listening(stack: Stack, name: str, pattern: dict[str, Any]) -> Iterator[str]:
    """Create a queue that receives the events of a rule; yields its URL, then deletes both."""
    sqs, events = stack.client("sqs"), stack.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
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
def every_job(stack: Stack) -> Iterator[str]:
    """The queue of a rule that matches every job."""
    yield from listening(stack, "every-job", EVERY_JOB)


@pytest.fixture
def documented(stack: Stack) -> Iterator[str]:
    """The queue of the rule in docs/events.md: drops under inbox/shop/ that have results."""
    yield from listening(stack, "drops-of-the-shop", PATTERN)


def received(stack: Stack, url: str, wanted: Callable[[Any], bool]) -> Any:
    """Return the first event whose detail is wanted; drop the others."""
    sqs = stack.client("sqs")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if wanted(event["detail"]):
                return event
    raise AssertionError("no such event arrived")


def shape(document: Any) -> Any:
    """Return the keys of a document, at every level."""
    if not isinstance(document, dict):
        return None
    return {name: shape(value) for name, value in document.items()}


def test_a_job_created_by_the_api_is_announced(api: Api, stack: Stack, every_job: str) -> None:
    job = api.send({"cat.jpg": CAT}, remove_bg=False)
    event = received(stack, every_job, lambda detail: detail["job_id"] == job["job_id"])
    assert (event["source"], event["detail-type"]) == ("darkroom.job", "JobCompleted")
    detail = event["detail"]
    assert shape(detail) == shape(EXAMPLE)
    assert detail["id"] == f"{job['job_id']}.1"
    assert (detail["status"], detail["job_type"], detail["attempt"]) == ("completed", "single", 1)
    assert detail["summary"] == {
        "total": 1,
        "succeeded": 1,
        "failed": 0,
        "skipped": 0,
        "review": 0,
        "success_percentage": 100.0,
    }
    assert (detail["error"], detail["source"]) == (None, None)
    assert detail["created_at"] < detail["completed_at"]
    s3 = stack.client("s3")
    listed = s3.list_objects_v2(Bucket=detail["bucket"], Prefix=detail["results"])["Contents"]
    assert [item["Key"].rpartition("/")[2] for item in listed] == ["cat.png"]
    assert s3.head_object(Bucket=detail["bucket"], Key=detail["archive"])["ContentLength"] > 0


def test_a_drop_is_announced_with_its_source(stack: Stack, documented: str) -> None:
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    options = {"darkroom-options": json.dumps({"remove_bg": False})}
    for key in ("inbox/other/a cat.jpg", "inbox/shop/a cat.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=CAT, Metadata=options)
    event = received(stack, documented, lambda detail: True)
    assert shape(event["detail"]) == shape(EXAMPLE)
    assert event["detail"]["source"] == "inbox/shop/a cat.jpg"
    assert event["detail"]["job_type"] == "drop"


def test_a_retried_job_is_announced_again_with_the_next_id(
    api: Api, stack: Stack, every_job: str
) -> None:
    job = api.send({"text.jpg": b"this is no photo"}, remove_bg=False)

    def announced(attempt: int) -> Any:
        wanted = (job["job_id"], attempt)
        return received(
            stack, every_job, lambda detail: (detail["job_id"], detail["attempt"]) == wanted
        )

    first = announced(1)["detail"]
    assert (first["status"], first["archive"]) == ("failed", None)
    assert first["error"]["code"] == "not_a_photo"
    assert api.call("POST", f"jobs/{job['job_id']}/retry", job["token"]).status_code == 202
    assert announced(2)["detail"]["id"] == f"{job['job_id']}.2"


def test_a_webhook_to_an_unknown_host_is_retried_later(api: Api, stack: Stack) -> None:
    """The function reads its secret, cannot resolve the host, and requeues the message."""
    sqs = stack.client("sqs")
    [url] = [url for url in sqs.list_queues()["QueueUrls"] if "WebhooksQueue" in url]
    job = api.call(
        "POST",
        "jobs",
        json={
            "files": [{"name": "cat.jpg", "size": len(CAT)}],
            "options": {"remove_bg": False},
            "callback_url": "https://receiver.invalid/done",
        },
    ).json()
    assert api.call("POST", f"jobs/{job['job_id']}/cancel", job["token"]).status_code == 200
    end = time.monotonic() + 60
    delayed = "ApproximateNumberOfMessagesDelayed"
    while time.monotonic() < end:
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[delayed])
        if answer["Attributes"][delayed] != "0":
            return
        time.sleep(0.1)
    raise AssertionError("no message was delayed")


def test_a_batch_that_the_stream_gave_up_on_is_handled_from_its_letter(
    api: Api, stack: Stack, every_job: str
) -> None:
    """The letter says where the records of the job lie; handled again, they announce it again."""
    job = api.send({"cat.jpg": CAT}, remove_bg=False)
    wanted = job["job_id"]
    received(stack, every_job, lambda detail: detail["job_id"] == wanted)
    stream, shard, records = table_records(stack)
    own = [
        record["dynamodb"]["SequenceNumber"]
        for record in records
        if record["dynamodb"]["Keys"]["pk"]["S"] == f"JOB#{wanted}"
    ]
    place = {"streamArn": stream, "shardId": shard, "batchSize": len(own)}
    batch = {**place, "startSequenceNumber": own[0], "endSequenceNumber": own[-1]}
    sqs = stack.client("sqs")
    [url] = [url for url in sqs.list_queues()["QueueUrls"] if "RedeliveryQueue" in url]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"DDBStreamBatchInfo": batch}))
    again = received(stack, every_job, lambda detail: detail["job_id"] == wanted)
    assert again["detail"]["id"] == f"{wanted}.1"


def table_records(stack: Stack) -> tuple[str, str, list[Any]]:
    """The ARN of the table's stream, the id of its shard, and all records in it."""
    client = stack.client("dynamodbstreams")
    [stream] = client.list_streams(TableName=stack.outputs["TableName"])["Streams"]
    arn = stream["StreamArn"]
    [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = client.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records: list[Any] = []
    while (page := client.get_records(ShardIterator=iterator))["Records"]:
        records += page["Records"]
        iterator = page["NextShardIterator"]
    return arn, shard["ShardId"], records
