"""The moves of a file from one state to the next, in the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from darkroom.aws import items
from darkroom.aws.stored_values import result_map
from darkroom.aws.table_access import TableAccess, refused
from darkroom.files import File, ResultInfo
from darkroom.messages import Source
from darkroom.states import FILE_MOVES, FileStatus

_WITHOUT_RESULT: Final = {FileStatus.FAILED, FileStatus.SKIPPED, FileStatus.CANCELLED}


class FileMoves(TableAccess):
    """Each method returns False, and writes nothing, if the file has moved meanwhile."""

    __slots__ = ()

    def arrived(self, file: File) -> bool:
        """Queue an upload whose bytes are at `file.source`. False if it was not waited for."""
        return self._move(
            file,
            FileStatus.AWAITING_UPLOAD,
            FileStatus.QUEUED,
            source=_text(file.source),
            size=file.size,
        )

    def expanding(self, file: File) -> bool:
        """Record that the upload is a ZIP, at `file.source`, which is being dispatched."""
        return self._move(
            file,
            FileStatus.AWAITING_UPLOAD,
            FileStatus.EXPANDING,
            source=_text(file.source),
            size=file.size,
        )

    def expanded(self, file: File) -> bool:
        """Record that all photos of a ZIP have been dispatched."""
        return self._move(file, FileStatus.EXPANDING, FileStatus.EXPANDED)

    def rejected(self, file: File, error: Mapping[str, str]) -> bool:
        """Record that the upload could not be read, or never came."""
        return self._move(file, file.status, FileStatus.FAILED, error=dict(error))

    def upload_cancelled(self, file: File) -> bool:
        """Record that the job was stopped before the upload arrived."""
        return self._move(file, FileStatus.AWAITING_UPLOAD, FileStatus.CANCELLED)

    def requeued(self, file: File) -> bool:
        """Begin a new attempt: `file.attempt` plus one, by `file.retry`, with `file.options`.

        An upload is read from `file.source`, which may have been replaced since. The result is
        stored again, because version 0.1 did not store the size of the photo it was made from.
        """
        entry = file.source is None or file.source.entry is not None
        source = None if entry else _text(file.source)
        result = file.result and result_map(file.result)
        return self._again(file, FileStatus.QUEUED, source=source, size=file.size, result=result)

    def awaited(self, file: File) -> bool:
        """Begin a new attempt that takes the upload from the bucket anew."""
        return self._again(file, FileStatus.AWAITING_UPLOAD)

    def failed_again(self, file: File, error: Mapping[str, str]) -> bool:
        """Record a new attempt that fails at once."""
        return self._again(file, FileStatus.FAILED, error=dict(error))

    def ended(
        self,
        file: File,
        status: FileStatus,
        result: ResultInfo | None = None,
        error: Mapping[str, str] | None = None,
    ) -> bool:
        """Record that a photo has ended. False if it had already, or another attempt has begun."""
        return self._move(
            file,
            FileStatus.QUEUED,
            status,
            result=result and result_map(result),
            error=error and dict(error),
        )

    def cancelled(self, file: File) -> bool:
        """Record that a queued photo is not to be processed. One that has a result keeps it."""
        after = FileStatus.SUCCEEDED if file.result else FileStatus.CANCELLED
        return self._move(file, FileStatus.QUEUED, after)

    def delete_file(self, file: File) -> None:
        """Delete a file's own item, which a worker has stored after its job was deleted."""
        self.table.delete_item(Key=items.file_key(file))

    def _again(self, file: File, after: FileStatus, **values: Any) -> bool:
        return self._move(
            file,
            file.status,
            after,
            attempt=file.attempt + 1,
            retry=file.retry,
            options=file.options,
            **values,
        )

    def _move(self, file: File, before: FileStatus, after: FileStatus, **values: Any) -> bool:
        """False if the file has moved meanwhile. Raises ValueError for an illegal move."""
        if after not in FILE_MOVES[before]:
            raise ValueError(f"a file cannot move from {before} to {after}")
        if file.status is not before:
            return False
        own = {} if file.stored else items.file_item(file, file.expires_at)
        new = own | values | {"status": after.value}
        keep = {name: v for name, v in new.items() if v is not None and name not in ("pk", "sk")}
        cleared = {"error", *(values.keys() & {"options"})}
        cleared |= {"result"} if after in _WITHOUT_RESULT else set()
        stale = sorted(cleared - keep.keys())
        condition = "#status = :before AND #attempt = :now"
        expected = {":before": before.value, ":now": file.attempt}
        if not file.stored:
            condition, expected = "attribute_not_exists(pk)", {}
        names = {*keep, *stale, *(("status", "attempt") if file.stored else ())}
        try:
            self.table.update_item(
                Key=items.file_key(file),
                UpdateExpression="SET "
                + ", ".join(f"#{name} = :{name}" for name in keep)
                + (" REMOVE " + ", ".join(f"#{name}" for name in stale) if stale else ""),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues={f":{name}": v for name, v in keep.items()} | expected,
            )
        except ClientError as error:
            return refused(error)
        return True


def _text(source: Source | None) -> str | None:
    return items.source_text(source) if source else None
