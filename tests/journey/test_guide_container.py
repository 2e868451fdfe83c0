"""The guide's worker and sample event, run on the image's code without a container."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.process import app
from local import emulator
from local.stack import Stack
from tests.conftest import Cloud, FakeContext
from tests.guides import ROOT, program
from tests.journey.api import CAT, Api

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


def test_the_sample_event_is_answered_as_the_guide_says(cloud: Cloud) -> None:
    answer = app.handler(json.loads(program("event.json")), FakeContext())  # type: ignore[arg-type]
    assert answer == {"batchItemFailures": []}


@pytest.fixture
def paused_queue(stack: Stack) -> Iterator[str]:
    """The URL of ProcessQueue while no Lambda reads it."""
    functions, sqs = stack.client("lambda"), stack.client("sqs")
    [url] = [url for url in sqs.list_queues()["QueueUrls"] if "-ProcessQueue-" in url]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    found = functions.list_event_source_mappings(EventSourceArn=arn["Attributes"]["QueueArn"])
    [mapping] = found["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    time.sleep(2)  # a poll that has begun may still take a message
    try:
        yield url
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextlib.contextmanager
def working(stack: Stack, queue: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The worker as a process with the image's code, environment and models."""
    (folder / "worker.py").write_text(program("worker.py"))
    address, port = stack.address.split(":")
    inherited = emulator.environment(os.environ, int(port), folder)
    process = subprocess.Popen(
        [sys.executable, "worker.py"],
        env={
            **{name: inherited[name] for name in ("PATH", "REMBG_HOME", "NUMBA_CACHE_DIR")},
            **{name: inherited[name] for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")},
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layer")]),
            "AWS_ENDPOINT_URL": f"http://{address}:{port}",
            "AWS_DEFAULT_REGION": emulator.REGION,
            "AWS_ACCESS_KEY_ID": stack.access_key,
            "AWS_SECRET_ACCESS_KEY": stack.secret_key,
            "POWERTOOLS_TRACE_DISABLED": "true",
            "PROCESS_QUEUE_URL": queue,
            "TABLE_NAME": stack.outputs["TableName"],
            "BUCKET_NAME": stack.outputs["BucketName"],
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_worker_processes_a_photo_that_lambda_leaves_alone(
    stack: Stack, paused_queue: str, tmp_path: Path
) -> None:
    api = Api(stack)
    job = api.send({"cat.jpg": CAT})
    queued: Any = api.wait(job, lambda document: document["status"] in {"queued", "processing"})
    time.sleep(2)
    assert api.files(job)["cat.jpg"]["status"] == "queued", queued
    with working(stack, paused_queue, tmp_path) as process:
        assert api.wait(job)["status"] == "completed"
        process.terminate()  # as `docker stop` does: it ends after the poll in hand
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert "1 photos done" in printed
    assert api.result(api.files(job)["cat.jpg"]).shape == (300, 451, 4)
    sqs = stack.client("sqs")
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=paused_queue, AttributeNames=counts)["Attributes"]
    assert set(left.values()) == {"0"}
