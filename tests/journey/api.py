"""A client of the deployed API for the journey tests, and sample photos."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import data

from local.stack import Stack

Pixels = npt.NDArray[np.uint8]


def jpeg(pixels: Pixels, orientation: int = 1) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()


CAT = jpeg(data.chelsea())


ASTRONAUT = jpeg(data.astronaut())


@dataclass
class Api:
    stack: Stack

    def call(self, method: str, path: str, credential: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {credential or self.stack.key}"}
        url = f"{self.stack.api_url}/{path}"
        return httpx.request(method, url, headers=headers, timeout=60, trust_env=False, **more)

    def send(self, files: dict[str, bytes], **options: Any) -> dict[str, Any]:
        """Create a job and upload its files; returns the response to POST /jobs."""
        declared = [{"name": name, "size": len(content)} for name, content in files.items()]
        created = self.call("POST", "jobs", json={"files": declared, "options": options})
        assert created.status_code == 201, created.text
        job: dict[str, Any] = created.json()
        for file, content in zip(job["files"], files.values(), strict=True):
            upload = file["upload"]
            posted = httpx.post(
                upload["url"],
                data=upload["fields"],
                files={"file": content},
                timeout=60,
                trust_env=False,
            )
            assert posted.status_code == 204, posted.text
        return job

    def wait(
        self, job: dict[str, Any], done: Callable[[dict[str, Any]], bool] | None = None
    ) -> dict[str, Any]:
        """Poll until `done`; default: the job has ended and its archive is not being built."""
        end = time.monotonic() + 90
        while time.monotonic() < end:
            document: dict[str, Any] = self.call(
                "GET", f"jobs/{job['job_id']}", job.get("token", "")
            ).json()
            if (done or _settled)(document):
                return document
            time.sleep(0.2)
        raise AssertionError(f"the job did not end: {document}")

    def files(self, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the job's first page of files by name."""
        listed = self.call("GET", f"jobs/{job['job_id']}/files", job.get("token", "")).json()
        return {file["name"]: file for file in listed["files"]}

    def result(self, file: dict[str, Any]) -> Pixels:
        content = httpx.get(file["result"]["url"], trust_env=False).content
        return np.asarray(Image.open(io.BytesIO(content)))


def _settled(document: dict[str, Any]) -> bool:
    ended = document["status"] in {"completed", "failed"}
    return ended and document["archive"]["status"] != "building"


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
