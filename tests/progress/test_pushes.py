"""Slow, failing and many followers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from darkroom.aws.services import services
from functions.progress import notify
from functions.progress.job_changes import Change
from functions.progress.pushes import AT_ONCE, push
from tests.conftest import Cloud, FakeContext
from tests.gateway import GoneError, StandInGateway
from tests.making import a_job
from tests.streams import job_event

THROTTLED: Any = {
    "Error": {"Code": "LimitExceededException"},
    "ResponseMetadata": {"HTTPStatusCode": 429},
}
FAILURES = {
    "throttled": ClientError(THROTTLED, "PostToConnection"),
    "broken": ClientError(
        {"Error": {"Code": "500"}, "ResponseMetadata": {"HTTPStatusCode": 500}},  # type: ignore[typeddict-item]
        "PostToConnection",
    ),
    "timed out": ReadTimeoutError(endpoint_url="https://gateway"),
    "a bug": KeyError("unexpected"),
}


class Fickle(StandInGateway):
    """Fails for some connections, and is slow for others."""

    def __init__(self, failing: dict[str, Exception], slow: dict[str, threading.Event]) -> None:
        super().__init__()
        self.failing, self.slow = failing, slow
        self.at_once, self.most = 0, 0
        self.lock = threading.Lock()

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            if ConnectionId in self.failing:
                raise self.failing[ConnectionId]
            if ConnectionId in self.slow:
                self.slow[ConnectionId].wait(30)
            super().post_to_connection(ConnectionId=ConnectionId, Data=Data)
        finally:
            with self.lock:
                self.at_once -= 1


def follow(gateway: StandInGateway, followers: dict[str, list[str]]) -> None:
    object.__setattr__(services().connections, "gateway", gateway)
    for job_id, connections in followers.items():
        for connection in connections:
            services().connections.opened(connection, job_id, 1e10)
            services().connections.subscribe(connection, job_id, 1e10)


def changed(*job_ids: str) -> list[Change]:
    return [Change(None, a_job(job_id=job_id)) for job_id in job_ids]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_push_that_fails_costs_its_follower_alone(cloud: Cloud, failure: str) -> None:
    gateway = Fickle({"bad": FAILURES[failure]}, {})
    follow(gateway, {"j1": ["a", "bad", "c"], "j2": ["d"]})
    notify.handler(job_event((None, a_job()), (None, a_job(job_id="j2"))), FakeContext())
    assert sorted(connection for connection, _ in gateway.sent) == ["a", "c", "d"]
    assert services().connections.followers("j1") == ["a", "bad", "c"], "it gets the next one"


def test_slow_followers_do_not_hold_up_the_batch(cloud: Cloud) -> None:
    release = threading.Event()
    slow = {f"slow-{number}": release for number in range(5)}
    gateway = Fickle({}, slow)
    follow(gateway, {"j1": [*slow, "quick"]})
    began = time.monotonic()
    push(changed("j1"), services().connections, seconds=0.5)
    took = time.monotonic() - began
    sent = [connection for connection, _ in gateway.sent]
    release.set()
    assert sent == ["quick"]
    assert took < 10


def test_the_followers_of_one_job_do_not_wait_for_those_of_another(cloud: Cloud) -> None:
    """A job with more slow followers than pushes at once must not use up the time of all."""
    release = threading.Event()
    slow = {f"slow-{number:03d}": release for number in range(3 * AT_ONCE)}
    gateway = Fickle({}, slow)
    follow(gateway, {"j1": list(slow), "j2": ["quick"]})
    push(changed("j1", "j2"), services().connections, seconds=1)
    sent = [connection for connection, _ in gateway.sent]
    release.set()
    assert sent == ["quick"]


def test_many_followers_get_one_document_each_in_parallel(cloud: Cloud) -> None:
    release = threading.Event()
    everybody = [f"c{number:03d}" for number in range(100)]
    gateway = Fickle({}, dict.fromkeys(everybody, release))
    follow(gateway, {"j1": everybody})
    threading.Timer(0.5, release.set).start()
    push(changed("j1"), services().connections)
    assert Counter(connection for connection, _ in gateway.sent) == dict.fromkeys(everybody, 1)
    assert gateway.most == AT_ONCE


def test_followers_that_cannot_be_read_do_not_fail_the_batch(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_: Any) -> Any:
        raise FAILURES["throttled"]

    monkeypatch.setattr(type(services().connections), "followers", throttled)
    push(changed("j1"), services().connections)


def test_a_follower_that_is_gone_is_deleted(cloud: Cloud) -> None:
    gateway = Fickle({"gone": GoneError()}, {})
    follow(gateway, {"j1": ["gone", "here"]})
    push(changed("j1"), services().connections)
    assert services().connections.followers("j1") == ["here"]
