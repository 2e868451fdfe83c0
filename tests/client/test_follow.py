"""Following a job through everything that happens to connections."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.sync.server import ServerConnection

from darkroom_client import live
from darkroom_client.api import Darkroom
from darkroom_client.errors import ApiError, NoProgress, Stopped
from darkroom_client.follow import PollingPolicy, Update, Via, follow
from darkroom_client.job import Job
from darkroom_client.wire import RetryPolicy
from tests.client.service import TOKEN, URL, document, problem, websocket

QUICK = PollingPolicy(
    poll=0.05, quiet=0.3, give_up=0.8, reconnect=0.02, reconnect_most=0.1, open_within=2.0
)
DEAD = "ws://127.0.0.1:9/live"


def job(websocket_url: str, polled: Iterable[Any] = ()) -> Job:
    """Asked for, the job answers with `polled`, one after the other, and then with the last."""
    answers = list(polled)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        told = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(told, Exception):
            raise told
        return told if isinstance(told, httpx.Response) else httpx.Response(200, json=told)

    api = Darkroom(URL, transport=httpx.MockTransport(answer), retry=RetryPolicy(attempts=1))
    return replace(api.job(TOKEN), websocket_url=websocket_url)


def heard(updates: Iterable[Update]) -> list[tuple[int, Via]]:
    return [(update.progress.sequence, update.via) for update in updates]


def sends(*documents: Any) -> Callable[[ServerConnection], None]:
    """A server that answers a subscription with `documents` and then stays silent."""

    def handler(connection: ServerConnection) -> None:
        assert json.loads(connection.recv()) == {"action": "subscribe", "job_id": "job1"}
        assert connection.request is not None
        assert connection.request.path == f"/live?token={TOKEN}"
        for told in documents:
            connection.send(told if isinstance(told, str) else json.dumps(told))
        for _ in connection:
            pass

    return handler


WS, POLL = Via.WEBSOCKET, Via.POLLING


def test_documents_come_over_the_websocket_until_one_is_final() -> None:
    with websocket(sends(document(1), document(2), document(5, "completed"))) as url:
        assert heard(follow(job(url), polling=QUICK)) == [(1, WS), (2, WS), (5, WS)]


def test_it_goes_on_until_the_archive_is_there() -> None:
    building = document(2, "completed", archive={"status": "building"})
    ready = document(3, "completed", archive={"status": "ready"})
    with websocket(sends(document(1), building, ready)) as url:
        assert heard(follow(job(url), archive=True, polling=QUICK))[-1] == (3, WS)
        assert heard(follow(job(url), polling=QUICK))[-1] == (2, WS)


def test_a_failed_job_has_no_archive_to_wait_for() -> None:
    with websocket(sends(document(1), document(2, "failed"))) as url:
        assert heard(follow(job(url), archive=True, polling=QUICK))[-1] == (2, WS)


def test_what_is_older_than_what_was_seen_is_dropped() -> None:
    told = [document(n) for n in (3, 2, 3, 1, 4, 4)]
    with websocket(sends(*told, document(5, "completed"))) as url:
        assert heard(follow(job(url), polling=QUICK)) == [(3, WS), (4, WS), (5, WS)]


def test_messages_nobody_understands_are_let_be() -> None:
    odd = ["no json", "[]", '{"type": "progress"}', '{"type": "news"}', '{"type": "pong"}']
    other = document(9, "completed", job_id="job2")
    with websocket(sends(*odd, other, document(1, "completed"))) as url:
        assert heard(follow(job(url), polling=QUICK)) == [(1, WS)]


def test_a_connection_that_ends_is_made_again() -> None:
    connections = []

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        connections.append(connection)
        number = len(connections)
        connection.send(json.dumps(document(number, "completed" if number == 3 else "processing")))

    with websocket(handler) as url:
        updates = heard(follow(job(url, [document(0)]), polling=QUICK))
    assert updates == [(1, WS), (2, WS), (3, WS)]
    assert len(connections) == 3


def test_without_a_websocket_it_asks() -> None:
    polled = [document(1), document(1), document(2), document(3, "completed")]
    begun = time.monotonic()
    assert heard(follow(job(DEAD, polled), polling=QUICK)) == [(1, POLL), (2, POLL), (3, POLL)]
    assert time.monotonic() - begun >= 3 * QUICK.poll
    assert heard(follow(job("", polled), polling=QUICK))[-1] == (3, POLL)


def test_a_websocket_that_refuses_is_replaced_by_asking() -> None:
    refusal = {"type": "error", "code": "wrong_token", "message": "No."}
    with websocket(sends(refusal)) as url:
        assert heard(follow(job(url, [document(7, "completed")]), polling=QUICK)) == [(7, POLL)]


def test_a_push_that_was_lost_hangs_nothing() -> None:
    with websocket(sends(document(1))) as url:
        updates = heard(follow(job(url, [document(2, "completed")]), polling=QUICK))
    assert updates == [(1, WS), (2, POLL)]


def test_the_websocket_takes_over_again_once_it_is_back() -> None:
    tries = []

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        tries.append(connection)
        if len(tries) > 2:
            connection.send(json.dumps(document(2, "completed")))

    with websocket(handler) as url:
        assert heard(follow(job(url, [document(1)]), polling=QUICK)) == [(1, POLL), (2, WS)]


def test_a_connection_is_kept_alive_and_a_dead_one_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PING_EVERY", 0.0)
    monkeypatch.setattr(live, "PONG_WITHIN", 0.1)
    told: list[Any] = []

    def handler(connection: ServerConnection) -> None:
        told.extend(json.loads(message)["action"] for message in connection)

    answers = [document(1), document(2), document(3), document(4, "completed")]
    with websocket(handler) as url:
        list(follow(job(url, answers), polling=replace(QUICK, quiet=0.15)))
    assert told[:2] == ["subscribe", "ping"]
    assert told.count("subscribe") > 1


def test_a_job_that_stands_still_is_given_up_with_what_is_known() -> None:
    still = document(4, progress={"processed": 3, "total": 10, "percentage": 30.0})
    begun = time.monotonic()
    with (
        websocket(sends(still)) as url,
        pytest.raises(NoProgress, match=r"No progress for 1 seconds: job job1 is .* 3 of 10 done"),
    ):
        list(follow(job(url, [still]), polling=QUICK))
    assert time.monotonic() - begun < 5


def test_no_answer_at_all_is_given_up_and_says_why() -> None:
    with pytest.raises(NoProgress, match=r"not been heard of.*Cannot reach api\.example: gone"):
        list(follow(job(DEAD, [httpx.ConnectError("gone")]), polling=QUICK))


def test_passing_trouble_is_outlived() -> None:
    trouble = [httpx.ReadTimeout("slow"), problem(503, "busy", "Busy."), document(1, "completed")]
    assert heard(follow(job(DEAD, trouble), polling=QUICK)) == [(1, POLL)]


def test_a_refusal_ends_it_at_once() -> None:
    gone = problem(404, "unknown_job", "There is no job with this id.")
    with pytest.raises(ApiError, match="There is no job"):
        list(follow(job(DEAD, [gone]), polling=QUICK))


def test_stopping_ends_it_soon() -> None:
    with websocket(sends(document(1))) as url:
        slow = replace(QUICK, quiet=30.0, give_up=60.0)
        followed = job(url)
        updates = follow(followed, polling=slow)
        next(updates)
        threading.Timer(0.1, followed.wire.stop).start()
        begun = time.monotonic()
        with pytest.raises(Stopped):
            next(updates)
        assert time.monotonic() - begun < 3
