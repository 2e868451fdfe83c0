"""The client of a Darkroom deployment, for programs and (as `darkroom`) for people."""

from darkroom_client.api import Darkroom
from darkroom_client.errors import (
    ApiError,
    ClientError,
    NoProgress,
    Stopped,
    Unreachable,
    Unusable,
    Unverified,
)
from darkroom_client.follow import PollingPolicy, Update, Via, follow
from darkroom_client.job import Job
from darkroom_client.model import FileInfo, LocalFile, Models, Preset, Progress, Result

__all__ = [
    "ApiError",
    "ClientError",
    "Darkroom",
    "FileInfo",
    "Job",
    "LocalFile",
    "Models",
    "NoProgress",
    "PollingPolicy",
    "Preset",
    "Progress",
    "Result",
    "Stopped",
    "Unreachable",
    "Unusable",
    "Unverified",
    "Update",
    "Via",
    "follow",
]
