"""What becomes of a message that could not be handled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from darkroom.aws.queue_consumer import QueueConsumer, pause
from darkroom.aws.services import services
from darkroom.aws.transient import is_transient
from darkroom.errors import FileError, RetryLater
from functions.process import app as process
from functions.process.photo_worker import PhotoWorker
from functions.zip.ingest import app as ingest
from functions.zip.ingest.intake import Intake
from tests.conftest import Cloud, FakeContext, sqs_event
from tests.making import a_file, a_job, store


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "AnyCall")


PASSING = [
    refusal("ProvisionedThroughputExceededException"),
    refusal("ThrottlingException"),
    refusal("RequestThrottled"),
    refusal("SlowDown", 503),
    refusal("InternalError", 500),
    refusal("LimitExceededException", 429),
    refusal(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "None"}, {"Code": "ThrottlingError"}],
    ),
    ConnectTimeoutError(endpoint_url="https://sqs"),
    ReadTimeoutError(endpoint_url="https://sqs"),
    RetryLater("busy_table", "Try again."),
]
LASTING = [
    refusal("AccessDenied", 403),
    refusal("ValidationException"),
    refusal("ConditionalCheckFailedException"),
    refusal(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "ThrottlingError"}, {"Code": "ValidationError"}],
    ),
    FileError("not_a_photo", "It is not."),
    KeyError("a bug"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_throttles_and_faults_of_aws_pass(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_refusals_and_bugs_last(error: Exception) -> None:
    assert not is_transient(error)


def test_a_pause_grows_from_seconds_to_a_quarter_of_an_hour() -> None:
    for receives, longest in ((1, 4), (2, 16), (3, 64), (4, 256), (5, 900), (300, 900)):
        pauses = {pause(receives) for _ in range(200)}
        assert longest / 2 <= min(pauses) <= max(pauses) <= longest
        assert len(pauses) > 1, "workers that failed together must not return together"


class Visibilities:
    """Records the calls of ChangeMessageVisibility."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        monkeypatch.setattr(services().sqs, "change_message_visibility", self.change)

    def change(self, **call: Any) -> None:
        self.calls.append(call)


@pytest.fixture
def visibilities(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Visibilities:
    return Visibilities(cloud, monkeypatch)


def consume(event: dict[str, Any], error: Exception) -> list[str]:
    def receive(record: Any) -> None:
        if "bad" in record.body:
            raise error

    consumer = QueueConsumer(services().sqs, Logger(service="test"))
    answer: Any = process_partial_response(event, receive, consumer, FakeContext())  # type: ignore[arg-type]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_passing_fault_brings_its_message_back_soon_and_no_other(
    visibilities: Visibilities,
) -> None:
    event = sqs_event("bad", "good")
    event["Records"][0] |= {"receiptHandle": "mine", "attributes": {"ApproximateReceiveCount": "2"}}
    assert consume(event, PASSING[0]) == ["message-0"]
    [call] = visibilities.calls
    assert call["QueueUrl"].endswith("/123456789012/queue")
    assert call["ReceiptHandle"] == "mine"
    assert 8 <= call["VisibilityTimeout"] <= 16


def test_a_bug_leaves_its_message_to_the_time_out_and_is_logged(
    visibilities: Visibilities, caplog: pytest.LogCaptureFixture
) -> None:
    assert consume(sqs_event("bad"), KeyError("a bug")) == ["message-0"]
    assert visibilities.calls == []
    assert "a bug" in caplog.text


def test_a_visibility_that_cannot_be_changed_costs_nothing_but_time(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> None:
        raise refusal("RequestThrottled")

    monkeypatch.setattr(services().sqs, "change_message_visibility", refused)
    assert consume(sqs_event("bad"), PASSING[0]) == ["message-0"]


def test_the_message_of_the_real_queue_is_received_again(cloud: Cloud) -> None:
    """The queue's URL follows from the ARN in the record."""
    sqs, url = cloud.sqs, cloud.services.settings.ingest_queue_url
    sqs.send_message(QueueUrl=url, MessageBody="bad")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    event = sqs_event("bad")
    event["Records"][0] |= {
        "receiptHandle": message["ReceiptHandle"],
        "eventSourceARN": arn["QueueArn"],
    }
    calls: list[Any] = []
    cloud.services.sqs.meta.events.register(
        "after-call.sqs.ChangeMessageVisibility",
        lambda http_response, **_: calls.append(http_response),
    )
    consume(event, PASSING[0])
    assert [answer.status_code for answer in calls] == [200]


@pytest.mark.parametrize("consumer", ["ingest", "process"])
def test_a_throttled_photo_is_received_again_soon(
    cloud: Cloud, visibilities: Visibilities, monkeypatch: pytest.MonkeyPatch, consumer: str
) -> None:
    def throttled(*_: Any) -> None:
        raise PASSING[0]

    monkeypatch.setattr(Intake, "receive", throttled)
    monkeypatch.setattr(PhotoWorker, "process", throttled)
    monkeypatch.setattr(process, "engine", object)
    store(cloud.services.jobs, a_job(), a_file(0))
    upload = {"kind": "upload", "key": "uploads/j1/000000/a.jpg", "etag": "e", "size": 1}
    source = {"key": "uploads/j1/000000/a.jpg", "etag": "e", "size": 1}
    image = {"kind": "image", "job_id": "j1", "file_id": "000000", "attempt": 1, "name": "a.jpg"}
    body = upload if consumer == "ingest" else {**image, "source": source, "options": {}}
    handler: Any = ingest.handler if consumer == "ingest" else process.handler
    answer = handler(sqs_event(json.dumps(body)), FakeContext())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert [call["VisibilityTimeout"] <= 4 for call in visibilities.calls] == [True]
