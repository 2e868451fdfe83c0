"""The errors of reading an object that is gone or was replaced."""

from __future__ import annotations

from botocore.exceptions import ClientError

from darkroom.errors import FileError

_GONE = FileError("upload_gone", "The upload was deleted before it could be read; upload it again.")
_FILE_ERRORS = {
    "PreconditionFailed": FileError(
        "upload_changed", "The upload was replaced while it was being read; upload it again."
    ),
    "NoSuchKey": _GONE,
    "NoSuchVersion": _GONE,
    "404": _GONE,
    # To a role that may not list the bucket, S3 reports a missing key as a forbidden one.
    "AccessDenied": _GONE,
    "403": _GONE,
}


def file_error(error: ClientError) -> Exception:
    """The FileError for an object that is gone or was replaced; any other error as it is."""
    known = _FILE_ERRORS.get(error.response["Error"]["Code"])
    return error if known is None else FileError(known.code, known.message)
