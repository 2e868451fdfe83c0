"""Where things lie in the bucket, and whose they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

UPLOADS: Final = "uploads/"
INBOX: Final = "inbox/"
RESULTS: Final = "results/"
ARCHIVES: Final = "archives/"


@dataclass(frozen=True, slots=True)
class UploadKey:
    """`uploads/JOB/FILE/NAME`."""

    job_id: str
    file_id: str
    name: str

    def __str__(self) -> str:
        return f"{UPLOADS}{self.job_id}/{self.file_id}/{self.name}"

    @classmethod
    def parse(cls, key: str) -> UploadKey | None:
        """None where the key is not one of ours."""
        parts = key.removeprefix(UPLOADS).split("/", 2)
        if not key.startswith(UPLOADS) or len(parts) != 3 or not parts[1].isdecimal():
            return None
        return cls(*parts)


def result_key(job_id: str, file_id: str, crc32: int, name: str) -> str:
    """`name` is the last part of the file's name, with the result's extension.

    The CRC-32 is of the result's bytes: a worker that comes late, with an earlier attempt's options
    or from another kind of processor, never writes over the result on record.
    """
    return f"{RESULTS}{job_id}/{file_id}/{crc32:08x}/{name}"


def archive_key(job_id: str, generation: int) -> str:
    return f"{ARCHIVES}{job_id}/{generation}.zip"


def drop_job_id(key: str, etag: str, sequencer: str) -> str:
    """The same for every delivery of one drop's event, another for the next object of that name."""
    return hashlib.sha256(f"{key}\n{etag}\n{sequencer}".encode()).hexdigest()[:32]
