"""Following a job while connections break, close and fall silent."""

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

FAST_POLLING = PollingPolicy(
    poll=0.05, quiet=0.3, give_up=0.8, reconnect=0.02, reconnect_most=0.1, open_within=2.0
)
DEAD = "ws://127.0.0.1:9/live"


def job(websocket_url: str, polled: Iterable[Any] = ()) -> Job:
    """A job whose polls return the items of `polled` in turn, and then its last item forever."""
    answers = list(polled)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        item = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(item, Exception):
            raise item
        return item if isinstance(item, httpx.Response) else httpx.Response(200, json=item)

    api = Darkroom(URL, transport=httpx.MockTransport(answer), retry=RetryPolicy(attempts=1))
    return replace(api.job(TOKEN), websocket_url=websocket_url)


def received(updates: Iterable[Update]) -> list[tuple[int, Via]]:
    return [(update.progress.sequence, update.via) for update in updates]


def server_sending(*documents: Any) -> Callable[[ServerConnection], None]:
    """A handler that answers a subscription with `documents` and then stays silent."""

    def handler(connection: ServerConnection) -> None:
        assert json.loads(connection.recv()) == {"action": "subscribe", "job_id": "job1"}
        assert connection.request is not None
        assert connection.request.path == f"/live?token={TOKEN}"
        for item in documents:
            connection.send(item if isinstance(item, str) else json.dumps(item))
        for _ in connection:
            pass

    return handler


WS, POLL = Via.WEBSOCKET, Via.POLLING


def test_documents_arrive_over_the_websocket_until_one_is_final() -> None:
    with websocket(server_sending(document(1), document(2), document(5, "completed"))) as url:
        assert received(follow(job(url), polling=FAST_POLLING)) == [(1, WS), (2, WS), (5, WS)]


def test_archive_waits_until_the_archive_is_ready() -> None:
    building = document(2, "completed", archive={"status": "building"})
    ready = document(3, "completed", archive={"status": "ready"})
    with websocket(server_sending(document(1), building, ready)) as url:
        assert received(follow(job(url), archive=True, polling=FAST_POLLING))[-1] == (3, WS)
        assert received(follow(job(url), polling=FAST_POLLING))[-1] == (2, WS)


def test_a_failed_job_has_no_archive_to_wait_for() -> None:
    with websocket(server_sending(document(1), document(2, "failed"))) as url:
        assert received(follow(job(url), archive=True, polling=FAST_POLLING))[-1] == (2, WS)


def test_older_documents_are_dropped() -> None:
    documents = [document(n) for n in (3, 2, 3, 1, 4, 4)]
    with websocket(server_sending(*documents, document(5, "completed"))) as url:
        assert received(follow(job(url), polling=FAST_POLLING)) == [(3, WS), (4, WS), (5, WS)]


def test_unknown_messages_are_ignored() -> None:
    odd = ["no json", "[]", '{"type": "progress"}', '{"type": "news"}', '{"type": "pong"}']
    other = document(9, "completed", job_id="job2")
    with websocket(server_sending(*odd, other, document(1, "completed"))) as url:
        assert received(follow(job(url), polling=FAST_POLLING)) == [(1, WS)]


def test_a_closed_connection_is_opened_again() -> None:
    connections = []

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        connections.append(connection)
        number = len(connections)
        connection.send(json.dumps(document(number, "completed" if number == 3 else "processing")))

    with websocket(handler) as url:
        updates = received(follow(job(url, [document(0)]), polling=FAST_POLLING))
    assert updates == [(1, WS), (2, WS), (3, WS)]
    assert len(connections) == 3


def test_without_a_websocket_the_job_is_polled() -> None:
    polled = [document(1), document(1), document(2), document(3, "completed")]
    started = time.monotonic()
    assert received(follow(job(DEAD, polled), polling=FAST_POLLING)) == [
        (1, POLL),
        (2, POLL),
        (3, POLL),
    ]
    assert time.monotonic() - started >= 3 * FAST_POLLING.poll
    assert received(follow(job("", polled), polling=FAST_POLLING))[-1] == (3, POLL)


def test_polling_replaces_a_websocket_that_sends_an_error() -> None:
    refusal = {"type": "error", "code": "wrong_token", "message": "No."}
    with websocket(server_sending(refusal)) as url:
        assert received(follow(job(url, [document(7, "completed")]), polling=FAST_POLLING)) == [
            (7, POLL)
        ]


def test_a_lost_message_is_recovered_by_polling() -> None:
    with websocket(server_sending(document(1))) as url:
        updates = received(follow(job(url, [document(2, "completed")]), polling=FAST_POLLING))
    assert updates == [(1, WS), (2, POLL)]


def test_the_websocket_is_used_again_once_it_is_back() -> None:
    tries = []

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        tries.append(connection)
        if len(tries) > 2:
            connection.send(json.dumps(document(2, "completed")))

    with websocket(handler) as url:
        assert received(follow(job(url, [document(1)]), polling=FAST_POLLING)) == [
            (1, POLL),
            (2, WS),
        ]


def test_a_connection_is_pinged_and_a_dead_one_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PING_EVERY", 0.0)
    monkeypatch.setattr(live, "PONG_WITHIN", 0.1)
    actions: list[Any] = []

    def handler(connection: ServerConnection) -> None:
        actions.extend(json.loads(message)["action"] for message in connection)

    answers = [document(1), document(2), document(3), document(4, "completed")]
    with websocket(handler) as url:
        list(follow(job(url, answers), polling=replace(FAST_POLLING, quiet=0.15)))
    assert actions[:2] == ["subscribe", "ping"]
    assert actions.count("subscribe") > 1


def test_a_stalled_job_raises_no_progress_with_its_status() -> None:
    stalled = document(4, progress={"processed": 3, "total": 10, "percentage": 30.0})
    started = time.monotonic()
    with (
        websocket(server_sending(stalled)) as url,
        pytest.raises(NoProgress, match=r"No progress for 1 seconds: job job1 is .* 3 of 10 done"),
    ):
        list(follow(job(url, [stalled]), polling=FAST_POLLING))
    assert time.monotonic() - started < 5


def test_no_progress_names_the_last_error() -> None:
    with pytest.raises(NoProgress, match=r"could not be read.*Cannot reach api\.example: gone"):
        list(follow(job(DEAD, [httpx.ConnectError("gone")]), polling=FAST_POLLING))


def test_transient_errors_are_survived() -> None:
    failures = [httpx.ReadTimeout("slow"), problem(503, "busy", "Busy."), document(1, "completed")]
    assert received(follow(job(DEAD, failures), polling=FAST_POLLING)) == [(1, POLL)]


def test_a_permanent_error_is_raised_at_once() -> None:
    gone = problem(404, "unknown_job", "There is no job with this id.")
    with pytest.raises(ApiError, match="There is no job"):
        list(follow(job(DEAD, [gone]), polling=FAST_POLLING))


def test_stop_ends_following_soon() -> None:
    with websocket(server_sending(document(1))) as url:
        slow = replace(FAST_POLLING, quiet=30.0, give_up=60.0)
        followed = job(url)
        updates = follow(followed, polling=slow)
        next(updates)
        threading.Timer(0.1, followed.wire.stop).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            next(updates)
        assert time.monotonic() - started < 3
