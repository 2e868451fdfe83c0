"""Records that the stream has given up on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from darkroom.aws import items
from darkroom.aws.services import services
from darkroom.aws.stream_records import RecordsExpired, Stream
from functions.progress import redelivery
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_job, store
from tests.streams import done, file_event, job_event

BATCH = {"streamArn": "arn", "shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "9"}


class StandInStream:
    """Answers every batch with the same records, or with an error."""

    def __init__(self, *records: Mapping[str, Any], error: Exception | None = None) -> None:
        self.records, self.error = list(records), error

    def read(self, batch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        assert batch == BATCH
        if self.error:
            raise self.error
        return self.records


def redeliver(stream: StandInStream) -> list[str]:
    services().__dict__["stream"] = stream
    event = sqs_event(json.dumps({"DDBStreamBatchInfo": BATCH}))
    answer = redelivery.handler(event, FakeContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_files_are_counted_and_changes_of_jobs_acted_on(cloud: Cloud) -> None:
    job = store(cloud.services.jobs, a_job(uploads=2), done(0), counted=False)
    cancelled = job.cancelled()
    records = file_event(done(0))["Records"] + job_event((job, cancelled))["Records"]
    assert redeliver(StandInStream(*records)) == []
    assert cloud.services.jobs.require("j1").counts.succeeded == 1
    [stop] = cloud.received(cloud.services.settings.lifecycle_queue_url)
    assert json.loads(stop)["kind"] == "stop"


def test_a_record_that_fails_again_keeps_the_letter_and_no_other_record(cloud: Cloud) -> None:
    """It is the record that made the batch fail: the others must not wait for it."""
    store(cloud.services.jobs, a_job(), done(0), counted=False)
    [bad] = job_event((None, a_job(job_id="bad")))["Records"]
    del bad["dynamodb"]["NewImage"]["status"]
    [good] = file_event(done(0))["Records"]
    assert redeliver(StandInStream(bad, good)) == ["message-0"]
    assert cloud.services.jobs.require("j1").counts.succeeded == 1


def test_a_letter_whose_records_have_expired_is_logged_and_dropped(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    assert redeliver(StandInStream(error=RecordsExpired())) == []
    assert "have left the stream" in caplog.text


def test_a_batch_is_read_from_its_first_record_to_its_last(cloud: Cloud) -> None:
    """Page by page, from the stream itself; records behind it are another batch's."""
    table = cloud.services.jobs.table
    arn = table.meta.client.update_table(
        TableName=table.name,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    for number in range(5):
        table.put_item(Item=items.job_item(a_job(job_id=f"j{number}")))
    client = boto3.client("dynamodbstreams")
    [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    begin = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    every = client.get_records(ShardIterator=client.get_shard_iterator(**begin)["ShardIterator"])
    numbers = [record["dynamodb"]["SequenceNumber"] for record in every["Records"]]
    batch = {
        "streamArn": arn,
        "shardId": shard["ShardId"],
        "startSequenceNumber": numbers[1],
        "endSequenceNumber": numbers[3],
    }
    read = Stream(Paged(client)).read(batch)
    jobs = [record["dynamodb"]["NewImage"]["job_id"]["S"] for record in read]
    assert jobs == ["j1", "j2", "j3"]


class Paged:
    """A client whose pages have two records at most."""

    def __init__(self, client: Any) -> None:
        self.get_shard_iterator = client.get_shard_iterator
        self._client = client

    def get_records(self, ShardIterator: str) -> Any:  # noqa: N803 - boto3's name
        return self._client.get_records(ShardIterator=ShardIterator, Limit=2)


def test_records_older_than_a_day_are_expired() -> None:
    class Trimmed:
        def get_shard_iterator(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")

    with pytest.raises(RecordsExpired):
        Stream(Trimmed()).read(BATCH)
