"""Fault scenarios: photos are sent, something breaks, and every job must still end correctly."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from darkroom.endings import CRASHED
from tests.faults import workers
from tests.faults.conftest import Deploy, Report
from tests.faults.deployment import VISIBILITY, limit_worker_memory
from tests.faults.followers import following
from tests.faults.load import CUTOUT, FAST, Sender, zip_of
from tests.faults.verify import verify, wait_for_part_uploads

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def test_process_workers_are_killed_at_random(
    deploy: Deploy, report: Report, rng: random.Random
) -> None:
    with deploy() as stack, Sender(stack, rng) as sender:
        with workers.killing(stack, "Process", rng, seconds=1.8 * VISIBILITY, every=2) as kills:
            sender.usual_load()
            verdict = verify(stack, sender)
        verdict.fact("workers killed", len(kills), "", ">= 3")
        report(verdict)


def test_every_event_is_redelivered_out_of_order(
    deploy: Deploy, report: Report, rng: random.Random
) -> None:
    with deploy({"*": {"FAULTY_AGAIN": "1"}}) as stack, Sender(stack, rng) as sender:
        sender.usual_load()
        with following(stack, sender.jobs, rng, leaves=[0]) as followers:
            report(verify(stack, sender, followers))


def test_work_that_always_kills_its_worker_affects_nothing_else(
    deploy: Deploy, report: Report, rng: random.Random
) -> None:
    """Two photos kill their worker, and a third needs more memory than a worker has.

    The fan-out of one ZIP dies after it has dispatched some of the photos: these are processed.
    """
    faults = {
        "Process": {"FAULTY_MEMORY": "1", "FAULTY_KILLERS": "poison"},
        "Ingest": {
            "FAULTY_KILLERS": "deadly",
            "FAULTY_AFTER": "JobTable.add_entries",
            "FAULTY_SIZES": json.dumps({"functions.zip.ingest.intake.WAVE": 1}),
        },
    }
    with (
        deploy(faults, edit_further=lambda template: limit_worker_memory(template, 560)) as stack,
        Sender(stack, rng) as sender,
    ):
        photos = sender.photos.named(14, "photo")
        photos |= {"poison.jpg": sender.photos.jpeg(), "huge.jpg": sender.photos.huge()}
        names = rng.sample(sorted(photos), len(photos))
        sender.upload({name: photos[name] for name in names}, CUTOUT)
        album = sender.photos.named(44, "album/photo") | {"album/poison.jpg": photos["poison.jpg"]}
        sender.upload({"album.zip": zip_of(album)}, FAST, files=45)
        deadly = sender.photos.named(130, "deadly/photo", side=60)
        sender.upload({"deadly.zip": zip_of(deadly)}, FAST, files=101)
        crashing = ("poison.jpg", "huge.jpg", "album/poison.jpg", "deadly.zip")
        report(verify(stack, sender, failing=dict.fromkeys(crashing, CRASHED.code), dead_letters=4))


def test_workers_die_after_every_kind_of_write(
    deploy: Deploy, report: Report, rng: random.Random, tmp_path: Path
) -> None:
    with deploy({"*": {"FAULTY_DEATHS": str(tmp_path)}}) as stack, Sender(stack, rng) as sender:
        sender.usual_load()
        with following(stack, sender.jobs[:2], rng, leaves=[0]) as followers:
            verdict = verify(stack, sender, followers)
        deaths = sorted(path.name for path in tmp_path.iterdir())
        verdict.fact("deaths of workers", len(deaths), "", ">= 10")
        verdict.fact("kinds of write after which a worker died", len({d[:-2] for d in deaths}))
        report(verdict)


def test_archive_workers_are_killed_while_they_upload_parts(
    deploy: Deploy, report: Report, rng: random.Random, tmp_path: Path
) -> None:
    """The archive has about 40 MB, in parts of 5 MiB, two for each worker."""
    sizes = {
        "functions.zip.archive.layout.USUAL_PART": 5 << 20,
        "functions.zip.archive.building.SHARE": 10 << 20,
    }
    faults = {"FAULTY_SIZES": json.dumps(sizes), "FAULTY_DEATHS": str(tmp_path)}
    with deploy({"Archive": faults}) as stack, Sender(stack, rng) as sender:
        sender.upload({"album.zip": zip_of(sender.photos.named(64, "photo", side=600))}, FAST, 64)
        wait_for_part_uploads(stack)
        with workers.killing(stack, "Archive", rng, seconds=0.9 * VISIBILITY, every=0.7) as kills:
            verdict = verify(stack, sender)
        deaths = [path.name for path in tmp_path.iterdir()]
        parts = [death for death in deaths if "upload_part" in death]
        verdict.fact("workers dead or killed", len(deaths) + len(kills), "", ">= 1")
        verdict.fact("of them, right after the upload of a part", len(parts))
        report(verdict)


def test_followers_disconnect_and_reconnect(
    deploy: Deploy, report: Report, rng: random.Random
) -> None:
    with deploy() as stack, Sender(stack, rng) as sender:
        photos = sender.photos
        loads = [photos.named(30, "one"), photos.named(30, "two"), photos.named(4, "three")]
        jobs = [sender.create(load, FAST) for load in loads]
        with following(stack, jobs, rng, leaves=[0, 2, 30]) as followers:
            for job, load in zip(jobs, loads, strict=True):
                sender.send(job, load)
            verdict = verify(stack, sender, followers)
        connections = sum(follower.connections for follower in followers)
        verdict.fact("connections", connections, "", ">= 15")
        report(verdict)


def test_the_stack_is_restarted_during_the_work(
    deploy: Deploy, report: Report, rng: random.Random
) -> None:
    with deploy(keep=True) as stack, Sender(stack, rng) as sender:
        sender.usual_load()
        with following(stack, sender.jobs[:2], rng, leaves=[0]) as followers:
            for _ in range(3):
                time.sleep(rng.uniform(1, 4))
                stack.emulator.restart()
            verdict = verify(stack, sender, followers)
        verdict.fact("restarts", 3)
        report(verdict)
