"""Reads the functions' logs from the emulator's CloudWatch Logs."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_BOOKKEEPING = ("START RequestId:", "END RequestId:", "REPORT RequestId:")


def read(client: Any, function: str = "") -> Iterator[str]:
    """Yield the lines of all log groups whose names contain `function`, oldest first.

    Case is ignored. Lambda's START, END and REPORT lines are left out.
    """
    lines = []
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            if function.lower() in group["logGroupName"].lower():
                lines += list(_group(client, group["logGroupName"]))
    # Sorted by time only, so that lines with the same time keep their order.
    yield from (text for _, text in sorted(lines, key=lambda line: line[0]))


def _group(client: Any, name: str) -> Iterator[tuple[int, str]]:
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=name):
        for event in page["events"]:
            if not event["message"].startswith(_BOOKKEEPING):
                time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                short = name.rpartition("/")[2]
                text = f"{time:%H:%M:%S}.{time.microsecond // 1000:03} {short} {event['message']}"
                yield event["timestamp"], text.rstrip()


def save(client: Any, path: Path) -> None:
    """Write all logs to `path`. Does nothing if the stack no longer answers."""
    with contextlib.suppress(BotoCoreError, ClientError):
        path.write_text("".join(f"{line}\n" for line in read(client)))
