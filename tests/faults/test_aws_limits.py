"""The stand-in for AWS's limits: what it answers, and what boto3 makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import Cloud
from tests.faults.standin.aws_limits import Limits, Partitions, counted, units_of, written

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
KEY = {"pk": {"S": "JOB#j1"}, "sk": {"S": "JOB"}}
TABLE = "darkroom"


def test_a_partition_refills_and_saves_a_second_of_units(tmp_path: Path) -> None:
    partitions = Partitions(tmp_path, 1)

    def taken(now: float, units: float = 100, partition: str = "a") -> int:
        """How often the units can be taken at once."""
        return sum(partitions.take("write", partition, units, now) for _ in range(50))

    assert taken(0) == 10
    assert taken(0.5) == 5
    assert taken(100) == 10, "no more than a second's units are saved"
    assert taken(100, partition="b") == 10, "each partition has its own"
    assert taken(102, units=5000) == 1, "a large item is written when all units are there"
    assert taken(103) == 0, "and then the partition is in debt"


def test_units_follow_from_the_size_and_the_kind_of_the_call() -> None:
    item = {**KEY, "files": {"B": "x" * 2100}}
    assert units_of("PutItem", {"Item": item}) == [("write", "JOB#j1", 3)]
    assert units_of("GetItem", {"Key": KEY}) == [("read", "JOB#j1", 0.5)]
    assert units_of("GetItem", {"Key": KEY, "ConsistentRead": True}) == [("read", "JOB#j1", 1)]
    many = {"RequestItems": {TABLE: {"Keys": [KEY, KEY]}}}
    assert units_of("BatchGetItem", many) == [("read", "JOB#j1", 0.5)] * 2
    update = {"Key": KEY, "ExpressionAttributeValues": {":a": {"S": "x"}}}
    assert units_of("UpdateItem", update) == [("write", "JOB#j1", 1)]


@pytest.fixture
def client(cloud: Cloud, tmp_path: Path) -> Callable[..., Any]:
    """A client under limits that throttle this share of its calls, and partitions so slow."""

    def limited(service: str, share: float = 1.0, slower: float = 1.0, **more: Any) -> Any:
        session = boto3.session.Session()
        Limits(tmp_path, share, slower).install(session.events)
        return session.client(service, config=ONCE, **more)

    return limited


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: Any = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_single_calls_are_refused_with_the_codes_of_each_service(
    client: Callable[..., Any], tmp_path: Path
) -> None:
    items, s3, sqs = client("dynamodb"), client("s3"), client("sqs")
    gateway = client("apigatewaymanagementapi", endpoint_url="https://gateway.test")
    codes = {refusal(lambda: items.get_item(TableName=TABLE, Key=KEY)) for _ in range(40)}
    assert codes == {
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
    }
    assert refusal(lambda: s3.get_object(Bucket="darkroom-photos", Key="a")) == (503, "SlowDown")
    codes = {refusal(sqs.list_queues) for _ in range(40)}
    assert codes == {(400, "RequestThrottled"), (400, "ThrottlingException")}
    push = {"ConnectionId": "c", "Data": b"{}"}
    assert refusal(lambda: gateway.post_to_connection(**push)) == (429, "LimitExceededException")
    assert sum(counted(tmp_path).values()) == 82


def test_a_hot_partition_is_refused_and_others_are_not(client: Callable[..., Any]) -> None:
    items = client("dynamodb", share=0, slower=100)

    def put(job: str) -> None:
        items.put_item(TableName=TABLE, Item={"pk": {"S": job}, "sk": {"S": "JOB"}})

    for _ in range(10):
        put("hot")
    assert refusal(lambda: put("hot"))[0] == 400
    put("cool")


def test_a_transaction_says_which_item_was_throttled(
    client: Callable[..., Any], tmp_path: Path
) -> None:
    """Its units count twice."""
    items = client("dynamodb", share=0, slower=250)

    def put(job: str) -> dict[str, Any]:
        return {"Put": {"TableName": TABLE, "Item": {"pk": {"S": job}, "sk": {"S": "JOB"}}}}

    items.transact_write_items(TransactItems=[put("a")])
    assert written(tmp_path) == 2
    items.transact_write_items(TransactItems=[put("a")])
    with pytest.raises(ClientError) as caught:
        items.transact_write_items(TransactItems=[put("b"), put("a")])
    reasons: Any = caught.value.response["CancellationReasons"]  # type: ignore[typeddict-item]
    assert [reason["Code"] for reason in reasons] == ["None", "ThrottlingError"]


def test_a_batch_is_accepted_in_part(
    client: Callable[..., Any], cloud: Cloud, tmp_path: Path
) -> None:
    items = client("dynamodb", share=0.5)
    keys = [{"pk": {"S": f"JOB#{number}"}, "sk": {"S": "JOB"}} for number in range(20)]
    requests = [{"PutRequest": {"Item": key}} for key in keys]
    answer = items.batch_write_item(RequestItems={TABLE: requests})
    left = answer["UnprocessedItems"].get(TABLE, [])
    stored = {item["pk"] for item in cloud.table.scan()["Items"]}
    assert {request["PutRequest"]["Item"]["pk"]["S"] for request in left} == {
        key["pk"]["S"] for key in keys
    } - stored
    assert 0 < len(stored) <= 20


def test_a_queue_accepts_messages_in_part(
    client: Callable[..., Any], cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cloud.services.settings.ingest_queue_url
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(10)]
    # moto would deliver the messages of a call that is refused as a whole.
    monkeypatch.setattr(Limits, "sqs", lambda *_, **__: None)
    sqs = client("sqs", share=0.5)
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    failed = {failure["Id"] for failure in answer.get("Failed", [])}
    assert not any(failure["SenderFault"] for failure in answer.get("Failed", []))
    assert set(cloud.received(url)) == {entry["Id"] for entry in entries} - failed


def test_the_resource_of_the_table_is_under_the_limits_too(cloud: Cloud, tmp_path: Path) -> None:
    """The functions write through boto3's resource, which converts values."""
    session = boto3.session.Session()
    Limits(tmp_path, 0, 100).install(session.events)
    table = session.resource("dynamodb", config=ONCE).Table(TABLE)
    requests: Any = [
        {"PutRequest": {"Item": {"pk": "JOB#hot", "sk": f"{number}"}}} for number in range(15)
    ]
    answer = table.meta.client.batch_write_item(RequestItems={TABLE: requests})
    left: Any = answer["UnprocessedItems"].get(TABLE, [])
    stored = {item["sk"] for item in cloud.table.scan()["Items"]}
    assert (len(stored), len(left)) == (10, 5)
    assert stored | {request["PutRequest"]["Item"]["sk"] for request in left} == {
        str(number) for number in range(15)
    }
