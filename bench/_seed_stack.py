"""The local stack as `bench.seed` uses it: jobs by the API, workers' memory, the table."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from bench._item_size import stored_bytes
from bench._pictures import FOLDER, PHOTOS, photo
from darkroom_client.api import Darkroom
from darkroom_client.follow import PollingPolicy, follow
from darkroom_client.model import LocalFile
from local import workers
from local.stack import Stack

_PROCESS = "ProcessFunction"


class Done(NamedTuple):
    """A job that has ended. seconds: from asking for it until its archive was there."""

    job_id: str
    seconds: float


def zip_of(count: int, megapixels: int) -> Path:
    """A ZIP of so many photos: the four there are, again and again, each under its own name."""
    path = FOLDER / f"{count}x{megapixels}.zip"
    if not path.exists():
        sources = [photo(name, megapixels) for name in PHOTOS]
        part = path.with_suffix(".part")
        with zipfile.ZipFile(part, "w") as archive:
            for index in range(count):
                source = sources[index % len(sources)]
                archive.write(source, f"{index // 100:02d}/{index:04d}-{source.name}")
        part.rename(path)
    return path


@dataclass
class SeedBench:
    stack: Stack

    def run(self, paths: Sequence[Path], photos: int, model: str) -> Done:
        """Upload files as one job, and wait for its archive. Every photo must succeed."""
        files = [LocalFile(path, path.name) for path in paths]
        with Darkroom(self.stack.api_url, self.stack.key) as darkroom:
            began = time.perf_counter()
            job = darkroom.create_job(files, {"model": model})
            job.upload()
            pace = PollingPolicy(give_up=600)
            *_, last = (update.progress for update in follow(job, archive=True, pace=pace))
        seconds = time.perf_counter() - began
        if (last.succeeded, last.archive) != (photos, "ready"):
            raise SystemExit(f"{last.succeeded} of {photos} photos succeeded: {last.document}")
        return Done(job.job_id, seconds)

    def wake(self) -> None:
        """Start a worker with nothing to do: it has imported all, and no model is loaded."""
        functions = self.stack.client("lambda")
        names = [found["FunctionName"] for found in functions.list_functions()["Functions"]]
        name = next(name for name in names if _PROCESS in name)
        answer = functions.invoke(FunctionName=name, Payload=b'{"Records": []}')
        if "FunctionError" in answer:
            raise SystemExit(answer["Payload"].read())

    def worker_bytes(self, what: str) -> list[int]:
        """Bytes of memory of each process worker. what: "VmRSS", now, or "VmHWM", at most."""
        found = workers.by_function(self.stack.emulator.pid).items()
        pids = [worker.pid for name, those in found if _PROCESS in name for worker in those]
        return [_status(pid, what) for pid in pids]

    def job_bytes(self, job_id: str) -> int:
        """What a job takes of the table: its items, its ledger entry, its place in `history`."""
        resource = boto3.session.Session().resource(
            "dynamodb",
            endpoint_url=f"http://{self.stack.address}",
            region_name="us-east-1",
            aws_access_key_id=self.stack.access_key,
            aws_secret_access_key=self.stack.secret_key,
        )
        table = resource.Table(self.stack.outputs["TableName"])
        kept = [item for item in _scan(table) if job_id in f"{item['pk']} {item['sk']}"]
        # An index that projects keys alone holds them of each item that has its own.
        places = [
            {name: item[name] for name in ("pk", "sk", *keys)}
            for keys in (("day", "created_at"), ("open", "stirred"))
            for item in kept
            if all(key in item for key in keys)
        ]
        return sum(map(stored_bytes, [*kept, *places]))


def _scan(table: Any) -> list[dict[str, Any]]:
    answer = table.scan()
    found = list(answer["Items"])
    while "LastEvaluatedKey" in answer:
        answer = table.scan(ExclusiveStartKey=answer["LastEvaluatedKey"])
        found += answer["Items"]
    return found


def _status(pid: int, what: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{what}:")[1].split()[0]) * 1024
