"""A single photo does not wait for a large ZIP uploaded before it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from skimage import data

from local.stack import Stack
from tests.journey.api import Api, jpeg, zip_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

MANY = 500
PHOTO = jpeg(data.chelsea()[::2, ::2])
OPTIONS = {"model": "u2netp"}


def document(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = api.call("GET", f"jobs/{job['job_id']}", job["token"]).json()
    return answer


def completed(document: dict[str, Any]) -> bool:
    return bool(document["status"] == "completed")


def one_photo(api: Api) -> float:
    """Process one photo; returns the seconds from creating its job to its completion."""
    began = time.monotonic()
    api.wait(api.send({"cat.jpg": PHOTO}, **OPTIONS), completed)
    return time.monotonic() - began


def cancel_if_too_slow(api: Api, job: dict[str, Any], began: float, seconds: float) -> None:
    """Wait until the job has ended. Cancel it if its pace shows that it needs over `seconds`."""
    end = time.monotonic() + seconds
    while not completed(now := document(api, job)):
        pace = now["progress"]["processed"] / (time.monotonic() - began)
        left = now["progress"]["total"] - now["progress"]["processed"]
        if time.monotonic() + left / pace > end:
            api.call("POST", f"jobs/{job['job_id']}/cancel", job["token"])
            return
        time.sleep(0.5)


def test_a_photo_does_not_wait_for_the_zip_before_it(stack: Stack) -> None:
    api = Api(stack)
    one_photo(api)  # warm up: neither time includes a cold start
    alone = one_photo(api)

    began = time.monotonic()
    large = api.send({"many.zip": zip_of({f"{n}.jpg": PHOTO for n in range(MANY)})}, **OPTIONS)
    api.wait(large, lambda now: now["progress"]["processed"] >= 8)
    beside = one_photo(api)
    progress = document(api, large)["progress"]
    print(
        f"\na photo alone: {alone:.1f} s; beside a ZIP of {MANY}: {beside:.1f} s; then {progress}"
    )
    assert (progress["total"], progress["processed"] < MANY) == (MANY, True), (
        "the ZIP must still be in progress"
    )
    assert beside <= 10 + 2 * alone

    cancel_if_too_slow(api, large, began, seconds=60)
    last = api.wait(large, lambda now: now["progress"]["processed"] == MANY)
    summary = last["summary"]
    assert summary["failed"] == 0
    assert summary["succeeded"] + summary["skipped"] == MANY
    assert summary["succeeded"] >= progress["processed"]
    assert (last["status"], summary["skipped"] > 0) in [("completed", False), ("cancelled", True)]
