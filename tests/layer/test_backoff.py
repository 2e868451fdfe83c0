"""Every adapter backs off with jitter when AWS throttles it, in every form that a throttle has."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from darkroom.aws import backoff
from darkroom.aws.backoff import cancellations, delete_items, tries
from darkroom.aws.events import EventBus
from darkroom.aws.queues import Queue
from darkroom.errors import RetryLater
from darkroom.ledger import Entry
from darkroom.messages import ArchiveMessage, Source
from tests.conftest import Cloud
from tests.making import a_file

THROTTLES = ["ThrottlingError", "ProvisionedThroughputExceeded"]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; each takes no time."""
    made: list[float] = []
    monkeypatch.setattr(backoff.time, "sleep", made.append)
    return made


def test_pauses_are_random_and_their_limit_doubles_up_to_the_longest(pauses: list[float]) -> None:
    for _ in range(300):
        assert list(tries(9, first=0.1, most=2)) == list(range(9))
    assert len(pauses) == 300 * 8
    for place, limit in enumerate([0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2]):
        own = pauses[place::8]
        assert limit * 0.8 < max(own) <= limit
        assert min(own) < limit * 0.2


def test_no_pause_before_the_first_try_nor_after_the_last(pauses: list[float]) -> None:
    assert list(tries(1)) == [0]
    assert next(tries()) == 0
    assert pauses == []


def cancelled(*codes: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(answer, "TransactWriteItems")


@pytest.mark.parametrize(
    "codes",
    [["None", "ThrottlingError"], ["ProvisionedThroughputExceeded"], ["TransactionConflict"]],
)
def test_a_cancelled_transaction_has_a_code_for_each_item(codes: list[str]) -> None:
    assert cancellations(cancelled(*codes)) == codes


@pytest.mark.parametrize("codes", [["ValidationError"], ["ThrottlingError", "ValidationError"], []])
def test_no_repeat_helps_a_transaction_that_is_wrong(codes: list[str]) -> None:
    with pytest.raises(ClientError):
        cancellations(cancelled(*codes))


# -- the adapters


class Client:
    """Answers as scripted, and keeps the requests."""

    def __init__(self, method: str, *answers: Any) -> None:
        self.requests: list[Any] = []
        self._answers = list(answers)
        setattr(self, method, self._answer)

    def _answer(self, **request: Any) -> Any:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def failure(*ids: str, sender: bool = False) -> dict[str, Any]:
    failed = [{"Id": id_, "SenderFault": sender, "Code": "RequestThrottled"} for id_ in ids]
    return {"Successful": [], "Failed": failed}


MESSAGES = [ArchiveMessage(job_id=f"j{number}", generation=1) for number in range(3)]


def test_entries_that_sqs_throttled_are_sent_again_and_no_others(pauses: list[float]) -> None:
    client: Any = Client("send_message_batch", failure("0", "2"), failure("2"), {"Successful": []})
    Queue(client, "url").send(MESSAGES)
    sent = [[entry["Id"] for entry in request["Entries"]] for request in client.requests]
    assert sent == [["0", "1", "2"], ["0", "2"], ["2"]]
    assert len(pauses) == 2


def test_a_queue_that_keeps_throttling_raises_retry_later(pauses: list[float]) -> None:
    client: Any = Client("send_message_batch", failure("1"))
    with pytest.raises(RetryLater) as raised:
        Queue(client, "url").send(MESSAGES)
    assert raised.value.code == "queue_refused"
    assert len(client.requests) == backoff.TRIES
    assert sum(pauses) < 30


def test_a_message_that_is_at_fault_is_not_sent_again(pauses: list[float]) -> None:
    client: Any = Client("send_message_batch", failure("1", sender=True))
    with pytest.raises(RetryLater):
        Queue(client, "url").send(MESSAGES)
    assert len(client.requests) == 1
    assert pauses == []


def test_events_that_were_throttled_are_put_again_and_no_others(pauses: list[float]) -> None:
    throttled = {"ErrorCode": "ThrottlingException"}
    client = Client(
        "put_events",
        {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, throttled]},
        {"FailedEntryCount": 1, "Entries": [throttled]},
        {"FailedEntryCount": 0, "Entries": [{"EventId": "2"}]},
    )
    EventBus(client).completed([{"id": "a"}, {"id": "b"}])
    assert [len(request["Entries"]) for request in client.requests] == [2, 1, 1]
    assert client.requests[2]["Entries"][0]["Detail"] == '{"id": "b"}'
    assert len(pauses) == 2


def test_an_event_that_eventbridge_will_never_accept_is_put_once(pauses: list[float]) -> None:
    malformed = {"ErrorCode": "MalformedDetail"}
    client = Client("put_events", {"FailedEntryCount": 1, "Entries": [malformed]})
    with pytest.raises(RetryLater):
        EventBus(client).completed([{}])
    assert len(client.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("code", THROTTLES)
def test_the_ledger_counts_a_job_after_throttled_transactions(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, pauses: list[float], code: str
) -> None:
    table = cloud.services.ledger.table
    real, refused = table.meta.client.transact_write_items, [cancelled("None", code)] * 3

    def transact(**request: Any) -> Any:
        if refused:
            raise refused.pop()
        return real(**request)

    monkeypatch.setattr(table.meta.client, "transact_write_items", transact)
    assert cloud.services.ledger.count("j1", Entry(1, {"jobs.completed": 1}), 2e9)
    assert cloud.services.ledger.totals() == {"jobs.completed": 1}
    assert len(pauses) == 3


class Batches:
    """A table whose client leaves all but the first `limit` requests of each batch unprocessed."""

    name = "darkroom"

    def __init__(self, limit: int) -> None:
        self.limit, self.sizes, self.deleted = limit, list[int](), list[Any]()
        self.meta: Any = type("Meta", (), {"client": self})()

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        requests = RequestItems["darkroom"]
        self.sizes.append(len(requests))
        self.deleted += [r["DeleteRequest"]["Key"]["sk"] for r in requests[: self.limit]]
        left = requests[self.limit :]
        return {"UnprocessedItems": {"darkroom": left} if left else {}}


def test_unprocessed_items_are_deleted_after_a_pause(pauses: list[float]) -> None:
    table: Any = Batches(10)
    delete_items(table, ({"pk": "JOB#1", "sk": str(number)} for number in range(30)))
    assert table.sizes == [25, 15, 5, 5]
    assert table.deleted == [str(number) for number in range(30)]
    assert len(pauses) == 2


def test_items_that_are_never_processed_raise_retry_later() -> None:
    with pytest.raises(RetryLater) as raised:
        delete_items(Batches(0), [{"pk": "JOB#1", "sk": "1"}])  # type: ignore[arg-type]
    assert raised.value.code == "busy_table"


def test_items_are_deleted(cloud: Cloud) -> None:
    keys = [{"pk": "JOB#1", "sk": f"{number}"} for number in range(60)]
    for key in keys:
        cloud.table.put_item(Item=key)
    delete_items(cloud.services.jobs.table, keys)
    assert cloud.table.scan()["Items"] == []


def test_a_jobs_items_are_deleted_however_busy_the_table_is(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    """Each request leaves its last item unprocessed, until there is one alone."""
    jobs = cloud.services.jobs
    jobs.add_uploads([a_file(index) for index in range(3)], 1e10)
    for index in range(3):
        jobs.arrived(a_file(index, source=Source(key="uploads/j1/0/a", etag="e", size=1)))
    client = jobs.table.meta.client
    write = client.batch_write_item

    def in_part(*, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        [(name, requests)] = RequestItems.items()
        done, left = (requests[:-1], requests[-1:]) if len(requests) > 1 else (requests, [])
        write(RequestItems={name: done})
        return {"UnprocessedItems": {name: left} if left else {}}

    monkeypatch.setattr(client, "batch_write_item", in_part)
    jobs.delete_block("j1", 0)
    assert cloud.table.scan()["Items"] == []
    assert len(pauses) == 1


# -- what boto3 repeats: throttles of whole requests


ANSWERS = [
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, 400, code)
    for code in ("ProvisionedThroughputExceededException", "ThrottlingException")
] + [
    ("s3", "head_bucket", {"Bucket": "darkroom-photos"}, 503, "503"),
    ("s3", "get_object", {"Bucket": "darkroom-photos", "Key": "a"}, 503, "SlowDown"),
    ("sqs", "list_queues", {}, 400, "RequestThrottled"),
    ("sqs", "list_queues", {}, 400, "ThrottlingException"),
    (
        "apigatewaymanagementapi",
        "post_to_connection",
        {"ConnectionId": "c", "Data": b""},
        429,
        "LimitExceededException",
    ),
]


@pytest.mark.parametrize(("service", "operation", "request_", "status", "code"), ANSWERS)
def test_boto3_repeats_a_throttled_request(  # noqa: PLR0917
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    operation: str,
    request_: dict[str, Any],
    status: int,
    code: str,
) -> None:
    client: Any = {
        "dynamodb": cloud.services.jobs.table.meta.client,
        "s3": cloud.services.bucket.client,
        "sqs": cloud.services.ingest.client,
        "apigatewaymanagementapi": cloud.services.connections.gateway,
    }[service]
    attempts = 2 if service == "apigatewaymanagementapi" else 8  # a push is soon out of date
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": attempts}
    assert repeated(client, operation, status, code, attempts - 1)


def repeated(client: Any, operation: str, status: int, code: str, made: int) -> bool:
    """Whether the client's own retry handler wants to repeat after such an answer."""
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    delays = client.meta.events.emit(
        f"needs-retry.{client.meta.service_model.service_id.hyphenize()}.{model.name}",
        response=(
            type("Response", (), {"status_code": status, "headers": {}})(),
            {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},
        ),
        endpoint=None,
        operation=model,
        attempts=made,
        caught_exception=None,
        request_dict={"context": {}},
    )
    return any(delay is not None for _, delay in delays)
