"""Large jobs under AWS's limits: throttled calls cost time, and no photo and no invocation."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.faults.conftest import Deploy, Report
from tests.faults.deployment import limit_workers
from tests.faults.followers import Follower, following
from tests.faults.load import FAST, Sender, zip_of
from tests.faults.standin import aws_limits
from tests.faults.verify import Verdict, verify

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

ZIPPED = int(os.environ.get("ZIPPED", "20000"))
UPLOADED = int(os.environ.get("UPLOADED", "5000"))
SHARE, SLOWER = 0.003, 10
"""Three of a thousand calls are throttled, and partitions have a tenth of AWS's units: the emulator
answers a tenth of the requests that would fill a real one."""
PAGE = 100
PATIENCE = 1500
WORKERS = 6
"""For each queue. They wait more than they work."""


def test_throttles_a_zip(
    deploy: Deploy, report: Report, rng: random.Random, tmp_path: Path
) -> None:
    with throttled(deploy, tmp_path) as stack, Sender(stack, rng) as sender:
        album = tiny(sender, ZIPPED)
        began = time.monotonic()
        job = sender.create({"album.zip": zip_of(album)}, FAST, files=ZIPPED)
        with following(stack, [job], rng, leaves=[0, 0, 0]) as followers:
            sender.send(job, {"album.zip": zip_of(album)})
            report(judged(sender, followers, tmp_path, ZIPPED, began))


def test_throttles_a_folder(
    deploy: Deploy, report: Report, rng: random.Random, tmp_path: Path
) -> None:
    """One job, declared in pages while it is uploaded."""
    with throttled(deploy, tmp_path) as stack, Sender(stack, rng) as sender:
        photos = list(tiny(sender, UPLOADED).items())
        began = time.monotonic()
        job, rest = begin_folder(sender, photos)
        with following(stack, [job], rng, leaves=[0, 0, 0]) as followers:
            rest()
            report(judged(sender, followers, tmp_path, UPLOADED, began))


def throttled(deploy: Deploy, folder: Path) -> AbstractContextManager[Stack]:
    """Deploy a stack whose functions are all under the limits."""
    limits = {
        "FAULTY_LIMITS": str(folder),
        "FAULTY_LIMITS_SHARE": str(SHARE),
        "FAULTY_LIMITS_SLOWER": str(SLOWER),
    }
    return deploy(
        {"*": limits},
        edit_further=lambda template: limit_workers(template, WORKERS),
        standin_models=True,
    )


def tiny(sender: Sender, count: int) -> dict[str, bytes]:
    """Photos of 24 pixels, each one of fifty."""
    photos = [sender.photos.jpeg(24) for _ in range(50)]
    return {f"photo-{number:05}.jpg": photos[number % 50] for number in range(count)}


def begin_folder(
    sender: Sender, photos: Sequence[tuple[str, bytes]]
) -> tuple[dict[str, Any], Callable[[], None]]:
    """Create a job with its first page, and return it with what sends all of its files.

    Each page is declared while the one before is uploaded.
    """
    first, *others = (photos[at : at + PAGE] for at in range(0, len(photos), PAGE))
    body = {"files": declared(first), "file_count": len(photos), "options": FAST}
    with httpx.Client(timeout=60, trust_env=False) as http:
        job = post(http, sender, "jobs", body)
    sender.jobs.append(job)
    sender.files += len(photos)

    def send() -> None:
        sender.send(job, dict(first))
        with httpx.Client(timeout=60, trust_env=False) as http, ThreadPoolExecutor(2) as pool:

            def declare(number: int) -> None:
                page = others[number]
                body = {"first": PAGE * (number + 1), "files": declared(page)}
                sender.send(post(http, sender, f"jobs/{job['job_id']}/files", body), dict(page))

            list(pool.map(declare, range(len(others))))

    return job, send


def declared(page: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    return [{"name": name, "size": len(content)} for name, content in page]


def post(http: httpx.Client, sender: Sender, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = http.post(
        f"{sender.stack.api_url}/{path}",
        json=body,
        headers={"authorization": f"Bearer {sender.stack.key}"},
    )
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def judged(
    sender: Sender, followers: Sequence[Follower], folder: Path, photos: int, began: float
) -> Verdict:
    """Check the job, and that every throttle was borne by the function that met it."""
    verdict = verify(sender.stack, sender, followers, patience=PATIENCE, large=True)
    verdict.fact("seconds from the first byte", time.monotonic() - began, "s")
    counted = aws_limits.counted(folder)
    failed = {name: n for name, n in counted.items() if name.startswith(aws_limits.FAILED)}
    for name, number in counted.items():
        if name not in failed:
            verdict.fact(name, number)
    # Enough of them that the scenario says something: one for every fifty photos.
    verdict.fact("throttles of all kinds", sum(counted.values()), "", f">= {photos // 50}")
    verdict.none("failed invocations", [f"{n} {name}" for name, n in failed.items()])
    verdict.fact("write units a photo", aws_limits.written(folder) / photos)
    return verdict
