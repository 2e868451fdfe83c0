"""The handler that wraps a function's own handler in the fault harness, and injects faults.

It calls the handler that FAULTY_HANDLER names. These variables select the faults:

FAULTY_AGAIN    1: deliver every batch in reverse, then in order, then an older batch
FAULTY_MEMORY   1: die when the worker exceeds the function's memory size, as in Lambda
FAULTY_KILLERS  die on every message that contains this text: at once, or as FAULTY_AFTER says
FAULTY_AFTER    die after the first such write (such as `JobTable.add_entries`) for that message
FAULTY_DEATHS   a folder: die after each kind of write, twice for each kind (see `_die_after`)
FAULTY_SIZES    constants of the function to change, as JSON: `{"module.NAME": number}`
FAULTY_LIMITS   a folder: throttle calls as AWS does, and record failures (see `aws_limits`)
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import random
import signal
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import aws_limits

_FUNCTION = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
_MEMORY = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 1024 * 1024
_DEATHS = os.environ.get("FAULTY_DEATHS", "")
_DEATHS_EACH = 2
_AFTER = os.environ.get("FAULTY_AFTER", "")
_SPARED_RECEIVES = 2
"""From this receive count on, a message kills no worker: it would become a dead letter."""
_WRITES = {
    "Bucket": ["write", "delete", "begin_upload", "upload_part", "complete_upload"],
    "Connections": ["opened", "subscribe", "send", "closed"],
    "JobTable": [
        *(
            "create",
            "change",
            "change_tally",
            "add_entries",
            "arrived",
            "expanding",
            "expanded",
            "rejected",
            "requeued",
            "ended",
        ),
    ],
    "Queue": ["send"],
}

_LIMITS = aws_limits.installed()
_older: deque[list[Any]] = deque(maxlen=20)
_spared = _doomed = False


def handler(event: dict[str, Any], context: Any) -> Any:
    return (_faulty if _LIMITS is None else _limited)(event, context)


def _limited(event: dict[str, Any], context: Any) -> Any:
    """Call the real handler under AWS's limits, and record when it fails or leaves a message."""
    assert _LIMITS is not None
    messages = [r["messageId"] for r in event.get("Records", []) if "messageId" in r]
    if messages and _LIMITS.refuses_delivery():
        return {"batchItemFailures": [{"itemIdentifier": message} for message in messages]}
    name = _FUNCTION.split("-")[1].removesuffix("Function")
    try:
        answer = _real()(event, context)
    except Exception as error:
        _LIMITS.count(f"{aws_limits.FAILED}{name}: {type(error).__name__}")
        raise
    if isinstance(answer, dict) and answer.get("batchItemFailures"):
        _LIMITS.count(f"{aws_limits.FAILED}{name}: messages left on the queue")
    if isinstance(answer, dict) and answer.get("statusCode", 0) >= 500:
        _LIMITS.count(f"{aws_limits.FAILED}{name}: status {answer['statusCode']}")
    return answer


def _faulty(event: dict[str, Any], context: Any) -> Any:
    global _spared, _doomed  # noqa: PLW0603 - read by all threads of the invocation
    records = event["Records"]
    killers = os.environ.get("FAULTY_KILLERS")
    _doomed = bool(killers) and killers in json.dumps(records)
    if _doomed and not _AFTER:
        _die("on a message")
    _spared = max(map(_receives, records)) >= _SPARED_RECEIVES
    if not os.environ.get("FAULTY_AGAIN"):
        return _real()(event, context)
    _real()({"Records": records[::-1]}, context)
    answer = _real()(event, context)
    if _older:
        _real()({"Records": random.choice(_older)}, context)
    _older.append(records)
    return answer


def _receives(record: dict[str, Any]) -> int:
    """Return how often a message was received; 0 for stream records, which have no count."""
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 0))


@functools.cache
def _real() -> Any:
    module, _, name = os.environ["FAULTY_HANDLER"].rpartition(".")
    real = getattr(importlib.import_module(module), name)
    if os.environ.get("FAULTY_MEMORY"):
        threading.Thread(target=_watch_memory, daemon=True).start()
    for constant, size in json.loads(os.environ.get("FAULTY_SIZES", "{}")).items():
        place, _, name = constant.rpartition(".")
        setattr(importlib.import_module(place), name, size)
    if _DEATHS or _AFTER:
        for kind, module in [
            *(("Bucket", "bucket"), ("Connections", "connections")),
            *(("JobTable", "table"), ("Queue", "queues")),
        ]:
            adapter = getattr(importlib.import_module(f"darkroom.aws.{module}"), kind)
            for write in _WRITES[kind]:
                setattr(adapter, write, _die_after(getattr(adapter, write), f"{kind}.{write}"))
    return real


def _die_after(write: Any, step: str) -> Any:
    """Wrap a write so that the worker may die right after it, before anything that follows.

    The writes are chosen at random. Each death leaves a file, so that workers know of earlier ones.
    """

    @functools.wraps(write)
    def mortal(*arguments: Any, **named: Any) -> Any:
        answer = write(*arguments, **named)
        if _doomed and step == _AFTER:
            _die(f"after {step}")
        if _DEATHS and not _spared and random.random() < 0.5:
            name = _FUNCTION.split("-")[1].removesuffix("Function")
            for number in range(_DEATHS_EACH):
                try:
                    (Path(_DEATHS) / f"{name} {step} {number}").touch(exist_ok=False)
                except FileExistsError:
                    continue
                _die(f"after {step}")
        return answer

    return mortal


def _watch_memory() -> None:
    """Die above the function's memory size, as in Lambda. Checked 200 times a second."""
    while True:
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        if resident > _MEMORY:
            _die(f"with {resident} bytes in use")
        time.sleep(0.005)


def _die(why: str) -> None:
    os.write(2, f"fault stand-in: {_FUNCTION} dies {why}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # nothing may happen until the signal arrives
