"""Jobs as version 0.1 stored them, in a world that runs the code of today."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.aws import items
from darkroom.aws.s3_events import messages_in
from tests.interleavings.world import World

STORED = Path(__file__).parent / "version_0_1"
NAMES = sorted(path.stem for path in STORED.glob("*.json"))


@dataclass(frozen=True)
class Stored:
    """See version_0_1/README.md."""

    job_id: str
    document: dict[str, Any]
    items: list[dict[str, Any]]
    objects: dict[str, str]
    messages: dict[str, list[Any]]
    uncounted: list[str]
    changes: list[list[dict[str, Any]]]


def stored(name: str) -> Stored:
    return Stored(**json.loads((STORED / f"{name}.json").read_text()))


def restored(job: Stored, *, lost: bool = False) -> World:
    """The job in a world. lost: without the messages and records that were under way."""
    world = World()
    world.created.append(job.job_id)
    for item in map(items.from_stream, job.items):
        world.table.items[item["pk"], item["sk"]] = item
    for key, data in job.objects.items():
        world.bucket.objects[key] = base64.b64decode(data)
    if lost:
        return world
    for name, bodies in job.messages.items():
        for body in bodies:
            world.queues[name].send(messages_in(json.dumps(body)))
    partition = items.partition(job.job_id)
    world.tally += [
        (None, world.table.items[partition, items.FILE + file_id]) for file_id in job.uncounted
    ]
    world.changes += [tuple(map(items.from_stream, pair)) for pair in job.changes]
    return world
