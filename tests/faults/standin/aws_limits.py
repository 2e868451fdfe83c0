"""NOT AWS: a stand-in for AWS's limits, which the emulator does not have.

It answers some of a function's calls as AWS does when it throttles, before they reach the emulator:

- DynamoDB: a partition's units, 1,000 for writing and 3,000 for reading in a second, are kept for
  all workers together. A call beyond them is throttled: a single one with an error, a batch by
  unprocessed items, a transaction by cancelling it with its reasons. Each partition key counts as a
  partition, and the units of an update follow from its values, because the item is not known here.
- All services: a random share of calls is throttled whatever the rate.
- Lambda: a random share of the deliveries of a queue is refused before the handler begins. The
  messages have been received once more, and nobody has tried them.

The emulator answers some 400 requests a second. So that its partitions can get hot at all, the
limits are divided by FAULTY_LIMITS_SLOWER.

FAULTY_LIMITS         a folder: the units of each partition, and what was throttled, are kept there
FAULTY_LIMITS_SHARE   the share of calls to throttle, such as 0.02
FAULTY_LIMITS_SLOWER  what to divide the limits by
"""

from __future__ import annotations

import fcntl
import io
import json
import math
import os
import random
import struct
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

WRITE_UNITS, READ_UNITS = 1000, 3000
FAILED = "failed invocation, "
"""The beginning of what counts as a failure of the function itself."""
_ACCOUNT = struct.Struct("dd")
_UNIT = struct.Struct("f")


class Partitions:
    """The units of each partition that are left in this second, in a folder that all workers share.

    They refill steadily, and at most a second's worth of them is saved.
    """

    def __init__(self, folder: Path, slower: float) -> None:
        self._folder, self._slower = folder, slower

    def take(self, kind: str, partition: str, units: float, now: float | None = None) -> bool:
        """Take units of a partition; False if it has too few left. kind: `write` or `read`.

        A call that needs more than a second's units is accepted when the partition has them all.
        """
        now = time.time() if now is None else now
        rate = (WRITE_UNITS if kind == "write" else READ_UNITS) / self._slower
        name = sha256(partition.encode()).hexdigest()[:24]
        with (self._folder / f"{kind}-{name}").open("a+b") as account:
            fcntl.flock(account, fcntl.LOCK_EX)
            account.seek(0)
            stored = account.read(_ACCOUNT.size)
            left, since = _ACCOUNT.unpack(stored) if stored else (rate, now)
            left = min(rate, left + max(0.0, now - since) * rate)
            taken = left >= min(units, rate)
            account.truncate(0)
            account.write(_ACCOUNT.pack(left - units if taken else left, now))
        return taken


class Limits:
    """Throttles calls. `count` records each throttle by its kind, for the report."""

    def __init__(self, folder: Path, share: float, slower: float) -> None:
        self._folder, self._share = folder, share
        self._partitions = Partitions(folder, slower)
        self._random = random.Random()

    def install(self, events: Any) -> None:
        """Answer calls of all clients whose events these are."""
        events.register("before-send.dynamodb", self.dynamodb)
        events.register("before-send.s3", self.s3)
        events.register("before-send.sqs", self.sqs)
        events.register("before-send.events", self.events)
        events.register("before-send.apigatewaymanagementapi", self.gateway)
        for operation, wanted, left in (
            ("dynamodb.BatchWriteItem", "RequestItems", _unprocessed_items),
            ("sqs.SendMessageBatch", "Entries", _failed_entries),
            ("events.PutEvents", "Entries", _failed_events),
        ):
            part = _Part(self, operation, wanted, left)
            events.register(f"before-call.{operation}", part.hold_back)
            events.register(f"after-call.{operation}", part.report)

    def refuses_delivery(self) -> bool:
        """Whether Lambda throttles this delivery of a queue."""
        return self._by_chance() and self.count("Lambda: delivery refused")

    def dynamodb(self, request: Any, **_: Any) -> AWSResponse | None:
        operation = _operation(request)
        body = json.loads(request.body)
        if operation == "TransactWriteItems":
            return self._transaction(request, body)
        if operation == "BatchWriteItem":
            return None  # its items were chosen before it was signed
        units = units_of(operation, body)
        if not self._by_chance() and all(self._taken(*each) for each in units):
            return None
        code = self._random.choice(
            ["ProvisionedThroughputExceededException", "ThrottlingException"]
        )
        self.count(f"DynamoDB: {code}")
        return _json(request, 400, code, "Throughput exceeds the current capacity.")

    def _transaction(self, request: Any, body: Mapping[str, Any]) -> AWSResponse | None:
        reasons = []
        for (kind, partition, units), chance in (
            (each, self._by_chance()) for item in body["TransactItems"] for each in _written(item)
        ):
            busy = chance or not self._taken(kind, partition, 2 * units)
            reasons.append(
                {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity."}
                if busy
                else {"Code": "None"}
            )
        if all(reason["Code"] == "None" for reason in reasons):
            return None
        self.count("DynamoDB: TransactionCanceledException, ThrottlingError")
        return _json(
            request,
            400,
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons",
            CancellationReasons=reasons,
        )

    def s3(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._by_chance():
            return None
        self.count("S3: 503 SlowDown")
        text = "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
        return _answer(request, 503, text.encode(), {"content-type": "application/xml"})

    def sqs(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._by_chance():
            return None
        code = self._random.choice(["RequestThrottled", "ThrottlingException"])
        self.count(f"SQS: {code}")
        return _json(request, 400, code, "The request was denied due to request throttling.")

    def events(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._by_chance():
            return None
        self.count("EventBridge: ThrottlingException")
        return _json(request, 400, "ThrottlingException", "Rate exceeded")

    def gateway(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._by_chance():
            return None
        self.count("WebSocket: 429 LimitExceededException")
        headers = {"x-amzn-errortype": "LimitExceededException", "content-type": "application/json"}
        return _answer(request, 429, b'{"message": "Too many requests"}', headers)

    def holds_back(self, operation: str, item: Any) -> bool:
        """Whether a part of a batch is not accepted."""
        units = _units_of_request(item) if operation == "dynamodb.BatchWriteItem" else []
        if not self._by_chance() and all(self._taken(*each) for each in units):
            return False
        return self.count(f"{operation}: a part was not accepted")

    def count(self, what: str) -> bool:
        with (self._folder / f"count {what.replace('/', ' ')}").open("ab") as counter:
            counter.write(b".")
        return True

    def _taken(self, kind: str, partition: str, units: float) -> bool:
        taken = self._partitions.take(kind, partition, units)
        if taken and kind == "write":
            with (self._folder / "written").open("ab") as account:
                account.write(_UNIT.pack(units))
        return taken

    def _by_chance(self) -> bool:
        return self._random.random() < self._share


class _Part:
    """Holds back a part of a batch before it is sent, and reports it in the answer."""

    def __init__(self, limits: Limits, operation: str, wanted: str, left: Any) -> None:
        self._limits, self._operation, self._wanted, self._left = limits, operation, wanted, left

    def hold_back(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        entries = body[self._wanted]
        tables = entries if isinstance(entries, dict) else {"": entries}
        context["held"] = held = {}
        kept = {}
        for table, items in tables.items():
            busy = [self._limits.holds_back(self._operation, item) for item in items]
            if all(busy):
                busy[0] = False  # AWS refuses a batch without entries
            kept[table] = [item for item, each in zip(items, busy, strict=True) if not each]
            held[table] = [
                (at, item) for at, (item, each) in enumerate(zip(items, busy, strict=True)) if each
            ]
        body[self._wanted] = kept if isinstance(entries, dict) else kept[""]
        params["body"] = json.dumps(body).encode()

    def report(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        held = {table: items for table, items in context.get("held", {}).items() if items}
        if held and "Error" not in parsed:
            self._left(parsed, held)


def _unprocessed_items(parsed: dict[str, Any], held: dict[str, Any]) -> None:
    unprocessed = parsed.setdefault("UnprocessedItems", {})
    for table, items in held.items():
        unprocessed.setdefault(table, []).extend(item for _, item in items)


def _failed_entries(parsed: dict[str, Any], held: dict[str, Any]) -> None:
    parsed.setdefault("Failed", []).extend(
        {"Id": entry["Id"], "SenderFault": False, "Code": "ThrottlingException"}
        for _, entry in held[""]
    )


def _failed_events(parsed: dict[str, Any], held: dict[str, Any]) -> None:
    """Entries are answered in their order."""
    for at, _ in held[""]:
        parsed["Entries"].insert(at, {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate"})
    parsed["FailedEntryCount"] = parsed.get("FailedEntryCount", 0) + len(held[""])


def units_of(operation: str, body: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """The units that a call takes: (`write` or `read`, partition, units) for each item.

    A write takes a unit for each KB begun, a consistent read one for each 4 KB, another read half
    of one. What a read returns is not known yet, so it takes the units of one item of 4 KB, and a
    query those of ten.
    """
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        return _units_of_write(body)
    if operation == "GetItem":
        return [("read", _key(body["Key"]), 1 if body.get("ConsistentRead") else 0.5)]
    if operation == "Query":
        index = body.get("IndexName", "")
        values = sorted(json.dumps(each) for each in body["ExpressionAttributeValues"].values())
        consistent = body.get("ConsistentRead", False)
        return [("read", index + values[0], 10 if consistent else 5)]
    if operation == "BatchGetItem":
        return [
            ("read", _key(key), 1 if table.get("ConsistentRead") else 0.5)
            for table in body["RequestItems"].values()
            for key in table["Keys"]
        ]
    return []


def _written(item: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """The same for an item of a transaction."""
    [(_, body)] = item.items()
    return _units_of_write(body)


def _units_of_request(request: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """The same for a request of a batch."""
    [(_, body)] = request.items()
    return _units_of_write(body)


def _units_of_write(body: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    content = body.get("Item") or body.get("ExpressionAttributeValues", {})
    return [("write", _key(body.get("Key") or body["Item"]), _kilobytes(content))]


def _kilobytes(content: Any) -> int:
    return max(1, math.ceil(len(json.dumps(content, default=str)) / 1024))


def _key(key: Mapping[str, Any]) -> str:
    return str(key["pk"]["S"])


def _operation(request: Any) -> str:
    target = request.headers["X-Amz-Target"]
    return str(target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]


def _json(request: Any, status: int, code: str, message: str, **more: Any) -> AWSResponse:
    body = {"__type": f"com.amazonaws#{code}", "message": message, **more}
    headers = {"content-type": "application/x-amz-json-1.0"}
    return _answer(request, status, json.dumps(body).encode(), headers)


def _answer(request: Any, status: int, body: bytes, headers: Mapping[str, str]) -> AWSResponse:
    return AWSResponse(request.url, status, dict(headers), _Body(body))


class _Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_: Any) -> Any:
        while data := self.read(65_536):
            yield data


def installed() -> Limits | None:
    """Install the limits into boto3's default session, if the environment asks for them."""
    folder = os.environ.get("FAULTY_LIMITS")
    if not folder:
        return None
    limits = Limits(
        Path(folder),
        float(os.environ["FAULTY_LIMITS_SHARE"]),
        float(os.environ["FAULTY_LIMITS_SLOWER"]),
    )
    boto3.setup_default_session()
    limits.install(boto3._get_default_session().events)
    return limits


def counted(folder: Path) -> dict[str, int]:
    """How often each kind of throttle was answered."""
    return {
        path.name.removeprefix("count "): path.stat().st_size
        for path in sorted(folder.glob("count *"))
    }


def written(folder: Path) -> float:
    """All write units that were taken. A transaction's count twice."""
    path = folder / "written"
    data = path.read_bytes() if path.exists() else b""
    return sum(value for (value,) in _UNIT.iter_unpack(data))
