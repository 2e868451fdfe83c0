"""Runs one fan-out or archive in a fresh process, to count its requests, bytes and memory.

    python -m bench._zip_worker ingest JOB KEY     requests, bytes and memory of one fan-out
    python -m bench._zip_worker archive JOB        requests and memory of one archive

The environment variables are those that the template gives the functions. Prints one line of JSON.
`memory` is what the work adds to the idle process, in bytes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from darkroom.aws.services import services
from darkroom.messages import ArchiveMessage, UploadMessage
from functions.zip.archive import building
from functions.zip.ingest.intake import Intake


def main() -> None:
    kind, job_id, *rest = sys.argv[1:]
    shared = services()
    counter = Counter[str]()
    clients = [
        shared.bucket.client,
        shared.lanes.images.client,
        shared.lanes.bulk.client,
        shared.archives.client,
        shared.jobs.table.meta.client,
    ]
    for client in clients:
        client.meta.events.register("before-send", _count(counter))
    shared.jobs.get(job_id)
    idle = _peak()
    counter.clear()
    read = 0
    if kind == "ingest":
        head = shared.bucket.head(rest[0])
        intake = Intake(
            shared.settings,
            shared.jobs,
            shared.bucket,
            shared.lanes,
            shared.ingest,
            lambda: False,
        )
        read = intake.receive(UploadMessage(key=rest[0], etag=head.etag, size=head.size)).bytes_read
    else:
        building.SHARE = 1 << 50  # this worker builds the whole archive
        job = shared.jobs.require(job_id)
        message = ArchiveMessage(job_id=job_id, generation=job.archive.generation)
        builder = building.Builder(
            shared.jobs, shared.bucket, shared.archives, shared.results.read_range
        )
        builder.build(message)
    print(
        json.dumps(
            {"requests": counter.total(), "read": read, "memory": _peak() - idle, "idle": idle}
        )
    )


def _count(counter: Counter[str]) -> Any:
    def count(event_name: str, **_: Any) -> None:
        counter[event_name.rpartition(".")[2]] += 1

    return count


def _peak() -> int:
    """Peak resident memory in bytes. getrusage would include the parent process's peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
