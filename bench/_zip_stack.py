"""Helpers of the ZIP benchmark for the local stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from darkroom import clock
from darkroom.aws import items
from darkroom.aws.services import services
from darkroom.files import File, ResultInfo
from darkroom.jobs import Job, file_id
from darkroom.options import Options
from darkroom.spans import BLOCK, Span
from darkroom.states import FileStatus, JobStatus
from local.stack import Stack

RESULT = 200_000
"""Size of a result in bytes."""


@dataclass
class Bench:
    """The benchmark's access to a stack: its clients, settings and queues."""

    stack: Stack

    def __post_init__(self) -> None:
        self.s3, self.sqs = self.stack.client("s3"), self.stack.client("sqs")
        self.functions = self.stack.client("lambda")
        self.bucket = self.stack.outputs["BucketName"]
        self.environment: dict[str, str] = {}
        self.names: list[str] = []
        for function in self.functions.list_functions()["Functions"]:
            self.names.append(function["FunctionName"])
            self.environment |= function.get("Environment", {}).get("Variables", {})
        # The queue for photos of large jobs: every ZIP of the benchmark makes a large job.
        self.queue = self.environment["PROCESS_BULK_QUEUE_URL"]
        os.environ.update(self.environment)
        os.environ.update(
            AWS_ENDPOINT_URL=f"http://{self.stack.address}",
            AWS_ACCESS_KEY_ID=self.stack.access_key,
            AWS_SECRET_ACCESS_KEY=self.stack.secret_key,
            AWS_DEFAULT_REGION="us-east-1",
        )
        services.cache_clear()  # they may be those of an earlier stack
        self.jobs = services().jobs

    @contextmanager
    def held(self, function: str) -> Iterator[None]:
        """Pause a function: its messages stay in its queues, and are purged at the end."""
        name = next(name for name in self.names if function in name)
        sources = self.functions.list_event_source_mappings(FunctionName=name)
        for source in sources["EventSourceMappings"]:
            self.functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
        yield
        for source in sources["EventSourceMappings"]:
            queue = source["EventSourceArn"].rpartition(":")[2]
            self.sqs.purge_queue(QueueUrl=self.sqs.get_queue_url(QueueName=queue)["QueueUrl"])
            self.functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)

    def s3_of(self, function: str) -> Any:
        """Return an S3 client with a function's role, which the emulator checks on each call."""
        name = next(name for name in self.names if function in name)
        role = self.functions.get_function_configuration(FunctionName=name)["Role"]
        sts = self.stack.client("sts")
        keys = sts.assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
        session = boto3.session.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"
        )
        return session.client("s3", endpoint_url=f"http://{self.stack.address}")

    def settle(self) -> None:
        """Wait until the emulator is idle, since stream readers may lag behind earlier changes."""
        before, now = 0.0, self._busy()
        while now - before > 0.2:
            time.sleep(1)
            before, now = now, self._busy()

    def _busy(self) -> float:
        """Seconds of processor time that the emulator has used."""
        status = Path(f"/proc/{self.stack.emulator.pid}/stat").read_text()
        user, system = status.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def waiting(self) -> int:
        """Count the messages that wait in the queue for photos of large jobs."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.queue, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def job(self, **changes: Any) -> Job:
        """Return a job that waits for one upload, with some fields changed."""
        now = clock.now()
        values: dict[str, Any] = {
            "job_id": uuid.uuid4().hex,
            "job_type": "zip",
            "options": Options(model="u2netp").model_dump_json(),
            "token_hash": "",
            "uploads": 1,
            "created_at": now,
            "updated_at": now,
            "expires_at": now + 86_400,
        }
        return Job(**values | changes)

    def arrive(self, archive: Path) -> tuple[str, str, float]:
        """Upload a ZIP for a new job; returns the job's ID, the key, and the time of completion."""
        job = self.job()
        upload = File(job.job_id, file_id(0), "a.zip", 1, FileStatus.AWAITING_UPLOAD)
        self.jobs.create(job, [upload])
        key = f"uploads/{job.job_id}/{upload.file_id}/a.zip"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=archive.read_bytes())
        return job.job_id, key, time.monotonic()

    def worker(self, *arguments: str) -> dict[str, int]:
        """Run `bench._zip_worker` in a process of its own, and return its measurements."""
        done = subprocess.run(
            [sys.executable, "-m", "bench._zip_worker", *arguments],
            env=os.environ | {"PYTHONPATH": ".:layer"},
            stdout=subprocess.PIPE,
            check=True,
        )
        measured: dict[str, int] = json.loads(done.stdout)
        return measured


def results(bench: Bench, count: int) -> tuple[Job, list[str]]:
    """Create a finished job with `count` results in the bucket; returns it and their keys."""
    spans = (Span(0, BLOCK, count, count, "e"),)
    job = bench.job(status=JobStatus.COMPLETED, spans=spans)
    data = os.urandom(RESULT)
    info = ResultInfo("", "image/png", RESULT, zlib.crc32(data), 100, 100, 1, model="u2netp")

    def store(index: int) -> File:
        key = f"results/{job.job_id}/{file_id(index)}/photo.png"
        bench.s3.put_object(Bucket=bench.bucket, Key=key, Body=data)
        name, result = f"folder/{index}.jpg", replace(info, key=key)
        return File(job.job_id, file_id(index), name, 1, FileStatus.SUCCEEDED, result=result)

    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(store, range(BLOCK, BLOCK + count)))
    for start in range(0, count, BLOCK):
        block = [replace(file, result=None) for file in files[start : start + BLOCK]]
        bench.jobs.add_uploads(block, job.expires_at)
    with bench.jobs.table.batch_writer() as batch:
        for file in files:
            batch.put_item(Item=items.file_item(file, job.expires_at))
    bench.jobs.create(job, [])
    return job, [file.result.key for file in files if file.result]


def stream_records(bench: Bench, job_id: str) -> Iterator[Any]:
    """Yield the stream record of every write to the job's items."""
    streams = bench.stack.client("dynamodbstreams")
    [stream] = streams.list_streams(TableName=bench.environment["TABLE_NAME"])["Streams"]
    described = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
    for shard in described["Shards"]:
        cursor = streams.get_shard_iterator(
            StreamArn=stream["StreamArn"],
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        while cursor:
            page = streams.get_records(ShardIterator=cursor)
            yield from (
                record
                for record in page["Records"]
                if record["dynamodb"]["Keys"]["pk"]["S"].startswith(f"JOB#{job_id}")
            )
            cursor = page.get("NextShardIterator") if page["Records"] else None
