"""Delivering a webhook from its message to its receiver, with retries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import ssl
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import sqs_backends

from darkroom.errors import OutboundError
from darkroom.messages import WebhookMessage
from darkroom.safe_http import SafeHttpClient
from darkroom_client.webhook import verify
from functions.recovery import dead_letters
from functions.webhooks import app as webhooks
from functions.webhooks.delivery import RETRIES, Deliverer, DeliveryResult, retry_delay
from functions.webhooks.signing import signed_headers, signing_key
from tests.conftest import WEBHOOK_SECRET, Cloud, FakeContext, sqs_event
from tests.receiver import Receiver, authority, status

MESSAGE = WebhookMessage(
    url="https://shop.example/done", job_id="j1", attempt=2, body='{"id": "j1.2"}'
)


def test_a_webhook_is_retried_for_an_hour_and_a_half() -> None:
    delays = [retry_delay(tries) for tries in range(1, RETRIES + 1)]
    seconds = [delay for delay in delays if delay is not None]
    assert len(seconds) == RETRIES
    assert seconds == sorted(seconds)
    assert 1 <= seconds[0] <= 10
    assert max(seconds) <= 900, "the longest delay of SQS"
    assert sum(seconds) >= 5400
    assert retry_delay(RETRIES + 1) is None


def test_a_signature_matches_the_standards_example() -> None:
    """The test vector that Standard Webhooks libraries use."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_templates_secret_fits_the_standard() -> None:
    assert len(signing_key(WEBHOOK_SECRET)) == 30
    assert signing_key("whsec_" + WEBHOOK_SECRET) == signing_key(WEBHOOK_SECRET)


def waiting(cloud: Cloud) -> list[tuple[WebhookMessage, int]]:
    """The delayed messages and their delays in seconds. Only moto shows them; SQS does not."""
    queue = sqs_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].queues["webhooks"]
    return [
        (
            WebhookMessage.model_validate_json(delayed.body),
            round((delayed.delayed_until - delayed.sent_timestamp) / 1000),
        )
        for delayed in queue._messages
    ]


def logged(logger: Logger, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that fills with the lines that the logger writes."""
    lines: list[str] = []
    handler = logger.registered_handler
    monkeypatch.setattr(handler, "emit", lambda record: lines.append(handler.format(record)))
    return lines


def delivered(cloud: Cloud, answer: int | OutboundError, tries: int = 0) -> Any:
    """The attempt to deliver MESSAGE to a receiver that answers with `answer`."""

    def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        assert url == MESSAGE.url
        if isinstance(answer, OutboundError):
            raise answer
        return answer

    message = MESSAGE.model_copy(update={"tries": tries})
    return Deliverer(cloud.services.webhooks, b"key", post).deliver(message)


class TestDelivering:
    @pytest.mark.parametrize("answer", [200, 202, 204, 299])
    def test_2xx_is_delivered(self, cloud: Cloud, answer: int) -> None:
        assert delivered(cloud, answer) == (DeliveryResult.DELIVERED, 1, str(answer), None)
        assert waiting(cloud) == []

    def test_410_is_not_retried(self, cloud: Cloud) -> None:
        assert delivered(cloud, 410).result is DeliveryResult.GONE
        assert waiting(cloud) == []

    @pytest.mark.parametrize(
        "answer", [199, 301, 302, 400, 404, 429, 500, OutboundError("timed_out", "It did.")]
    )
    def test_any_other_answer_is_retried_later(self, cloud: Cloud, answer: Any) -> None:
        assert delivered(cloud, answer, tries=3) == (DeliveryResult.LATER, 4, str(answer), 40)
        [(message, seconds)] = waiting(cloud)
        assert message == MESSAGE.model_copy(update={"tries": 4})
        assert seconds == 40
        assert cloud.received(cloud.services.settings.webhooks_queue_url) == [], "not yet"

    def test_the_last_try_is_not_retried(self, cloud: Cloud) -> None:
        assert delivered(cloud, 500, tries=RETRIES).result is DeliveryResult.GIVEN_UP
        assert waiting(cloud) == []

    def test_each_try_has_a_new_signature_and_the_same_id(
        self, tmp_path: Path, cloud: Cloud
    ) -> None:
        """End to end: a queue, a real TLS server, and the client's own verification."""
        known = authority(tmp_path)
        with Receiver().listening(known.chain) as receiver:
            sender = SafeHttpClient(
                resolve=lambda host: [ip_address("127.0.0.1")],
                allowed=lambda address: True,
                context=partial(ssl.create_default_context, cafile=str(known.ca)),
            )
            deliverer = Deliverer(cloud.services.webhooks, signing_key(WEBHOOK_SECRET), sender.post)
            message = MESSAGE.model_copy(update={"url": receiver.url})
            receiver.answer = status(503)
            assert deliverer.deliver(message).result is DeliveryResult.LATER
            receiver.answer = status(204)
            [(retry, _)] = waiting(cloud)
            assert deliverer.deliver(retry).result is DeliveryResult.DELIVERED
        first, second = receiver.requests
        assert first.body == second.body == MESSAGE.body.encode()
        for request in (first, second):
            assert request.headers["content-type"] == "application/json"
            assert request.headers["webhook-id"] == "j1.2"
            stamp = request.headers["webhook-timestamp"]
            signed = f"j1.2.{stamp}.".encode() + request.body
            digest = hmac.digest(base64.b64decode(WEBHOOK_SECRET), signed, hashlib.sha256)
            expected = "v1," + base64.b64encode(digest).decode()
            assert request.headers["webhook-signature"] == expected
            assert verify(request.headers, request.body, WEBHOOK_SECRET) == {"id": "j1.2"}


class TestFunction:
    """The handler with the production client, which refuses to call this machine."""

    def run(self, body: str) -> list[str]:
        answer = webhooks.handler(sqs_event(body), FakeContext())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def message(self, tries: int) -> str:
        changes = {"url": "https://localhost/?token=hidden", "tries": tries}
        return MESSAGE.model_copy(update=changes).model_dump_json()

    def test_a_failure_is_retried_after_its_delay(self, cloud: Cloud) -> None:
        assert self.run(self.message(0)) == []
        [(message, seconds)] = waiting(cloud)
        assert (message.tries, seconds) == (1, 5)
        assert message.body == MESSAGE.body

    def test_the_last_failure_is_logged_as_an_error_with_the_job(
        self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = logged(webhooks.logger, monkeypatch)
        assert self.run(self.message(RETRIES)) == []
        assert waiting(cloud) == []
        [line] = lines
        entry = json.loads(line)
        assert entry["level"] == logging.getLevelName(logging.ERROR)
        assert (entry["job_id"], entry["webhook_id"]) == ("j1", "j1.2")
        assert (entry["result"], entry["tries"]) == ("given_up", RETRIES + 1)
        assert "address_refused" in entry["answer"]
        assert "hidden" not in line

    def test_other_messages_stay_on_the_queue(self, cloud: Cloud) -> None:
        assert self.run('{"hello": 1}') == ["message-0"]
        assert waiting(cloud) == []

    def test_a_dead_letter_is_logged_without_its_url(
        self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = logged(dead_letters.logger, monkeypatch)
        answer = dead_letters.handler(sqs_event(self.message(0)), FakeContext())
        assert answer["batchItemFailures"] == []
        [line] = lines
        assert json.loads(line)["work"]["job_id"] == "j1"
        assert "hidden" not in line
