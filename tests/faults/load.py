"""The load of the fault scenarios: at least 60 small real photos, sent in every possible way."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image
from skimage import data

from local.stack import Stack

FAST = {"remove_bg": False}
CUTOUT = {"remove_bg": True, "model": "u2netp"}


class Photos:
    """Makes photos: different ones at each call, the same for the same seed."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._sources = [
            Image.fromarray(image)
            for image in (data.chelsea(), data.astronaut(), data.coffee(), data.rocket())
        ]

    def jpeg(self, side: int = 0) -> bytes:
        """Return a photo. side: pixels of the longer side; 0 for a random one from 120 to 239."""
        source = self._rng.choice(self._sources)
        left, top = self._rng.randrange(source.width // 4), self._rng.randrange(source.height // 4)
        photo = source.crop((left, top, source.width, source.height))
        side = side or self._rng.randrange(120, 240)
        photo = photo.resize((side, round(side * photo.height / photo.width)))
        out = io.BytesIO()
        photo.save(out, "JPEG", quality=85)
        return out.getvalue()

    def huge(self) -> bytes:
        """Return a photo of 49 megapixels, within the service's limit. It needs about 650 MB."""
        noise = Image.effect_noise((700, 700), 40).convert("RGB").resize((7000, 7000))
        out = io.BytesIO()
        noise.save(out, "JPEG", quality=80)
        return out.getvalue()

    def named(self, count: int, prefix: str, side: int = 0) -> dict[str, bytes]:
        return {f"{prefix}-{number:03}.jpg": self.jpeg(side) for number in range(count)}


def zip_of(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@dataclass
class Sender:
    """Sends photos to a stack, and records what it has sent.

    jobs: the responses to POST /jobs. drops: the number of drops, each a job of its own. files: the
    number of files, of any kind, that all jobs should have.
    """

    stack: Stack
    rng: random.Random
    jobs: list[dict[str, Any]] = field(default_factory=list)
    drops: int = 0
    files: int = 0

    def __post_init__(self) -> None:
        self.photos = Photos(self.rng)
        self._s3 = self.stack.client("s3")
        self._http = httpx.Client(timeout=60, trust_env=False)

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def usual_load(self) -> None:
        """Send 68 files: single uploads, batches, ZIPs and drops, one of them not a photo."""
        photos = self.photos
        for _ in range(4):
            self.upload(photos.named(1, "single"), FAST)
        self.upload(photos.named(12, "batch"), FAST)
        self.upload(photos.named(4, "cutout"), CUTOUT)
        album = photos.named(32, "album/day one/photo") | {"album/notes.txt": b"no photo"}
        self.upload({"album.zip": zip_of(album)}, FAST, files=33)
        for name, photo in photos.named(4, "drop").items():
            self.drop(name, photo)
        self.drop("dropped.zip", zip_of(photos.named(11, "dropped")), files=11)

    def upload(
        self, contents: Mapping[str, bytes], options: dict[str, Any], files: int | None = None
    ) -> dict[str, Any]:
        """Create a job and upload its files in random order. files: how many it should have."""
        job = self.create(contents, options, files)
        self.send(job, contents)
        return job

    def create(
        self, contents: Mapping[str, bytes], options: dict[str, Any], files: int | None = None
    ) -> dict[str, Any]:
        declared = [{"name": name, "size": len(content)} for name, content in contents.items()]
        created = self._http.post(
            f"{self.stack.api_url}/jobs",
            json={"files": declared, "options": options},
            headers={"authorization": f"Bearer {self.stack.key}"},
        )
        assert created.status_code == 201, created.text
        job: dict[str, Any] = created.json()
        self.jobs.append(job)
        self.files += len(contents) if files is None else files
        return job

    def send(self, job: dict[str, Any], contents: Mapping[str, bytes]) -> None:
        pairs = list(zip(job["files"], contents.values(), strict=True))
        self.rng.shuffle(pairs)

        def post(pair: tuple[dict[str, Any], bytes]) -> None:
            upload = pair[0]["upload"]
            fields, content = upload["fields"], {"file": pair[1]}
            posted = self._http.post(upload["url"], data=fields, files=content)
            assert posted.status_code == 204, posted.text

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(post, pairs))

    def drop(self, name: str, content: bytes, files: int = 1) -> None:
        self._s3.put_object(
            Bucket=self.stack.outputs["BucketName"],
            Key=f"inbox/{name}",
            Body=content,
            Metadata={"darkroom-options": json.dumps(FAST)},
        )
        self.drops += 1
        self.files += files
