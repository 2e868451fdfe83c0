"""The layout of the bucket: the keys of uploads, drops, results, archives, backgrounds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

UPLOADS: Final = "uploads/"
INBOX: Final = "inbox/"
RESULTS: Final = "results/"
ARCHIVES: Final = "archives/"
BACKGROUNDS: Final = "backgrounds/"


@dataclass(frozen=True, slots=True)
class UploadKey:
    """The key of an upload: `uploads/JOB/FILE/NAME`."""

    job_id: str
    file_id: str
    name: str

    def __str__(self) -> str:
        return f"{UPLOADS}{self.job_id}/{self.file_id}/{self.name}"

    @classmethod
    def parse(cls, key: str) -> UploadKey | None:
        """The parts of an upload's key; None if the key is not one."""
        parts = key.removeprefix(UPLOADS).split("/", 2)
        if not key.startswith(UPLOADS) or len(parts) != 3 or not parts[1].isdecimal():
            return None
        return cls(*parts)


def result_key(job_id: str, file_id: str, crc32: int, name: str) -> str:
    """The key of a result. name: the last part of the file's name, with the result's extension.

    The key holds the CRC-32 of the result's bytes, so that a late worker, with an earlier attempt's
    options or on another kind of processor, never overwrites the recorded result.
    """
    return f"{RESULTS}{job_id}/{file_id}/{crc32:08x}/{name}"


def background_key(name: str) -> str:
    """The key of one of the deployment's backgrounds, which no rule deletes."""
    return BACKGROUNDS + name


def archive_key(job_id: str, generation: int) -> str:
    return f"{ARCHIVES}{job_id}/{generation}.zip"


def drop_job_id(key: str, etag: str, sequencer: str) -> str:
    """A drop's job id: the same whenever its event is delivered, new for each object at the key."""
    return hashlib.sha256(f"{key}\n{etag}\n{sequencer}".encode()).hexdigest()[:32]
