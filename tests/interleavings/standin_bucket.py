"""A stand-in for the bucket, in memory, with the methods of `aws.bucket` that the functions use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from darkroom.aws.bucket import Head, ListedObject
from darkroom.errors import FileError


class StandInBucket:
    """before: called before every operation, so that others may act in between."""

    name = "stand-in"

    def __init__(self, before: Callable[[], None]) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self._begun = 0
        self._before = before

    def head(self, key: str) -> Head:
        self._before()
        data = self._object(key)
        return Head(etag(data), len(data), {})

    def reader(self, key: str, wanted: str) -> Callable[[int, int], bytes]:
        def fetch(start: int, end: int) -> bytes:
            self._before()
            data = self._object(key)
            if etag(data) != wanted:
                raise FileError("upload_changed", "The upload was replaced; upload it again.")
            return data[start:end]

        return fetch

    def read(self, key: str) -> bytes:
        return self._object(key)

    def read_range(self, key: str, start: int, end: int) -> bytes:
        return self.objects.get(key, b"")[start:end]

    def size_of(self, key: str) -> int | None:
        self._before()
        return len(self.objects[key]) if key in self.objects else None

    def write(self, key: str, data: bytes, _content_type: str) -> None:
        self._before()
        self.objects[key] = bytes(data)

    def delete(self, key: str) -> None:
        self._before()
        self.objects.pop(key, None)

    def delete_version(self, key: str, wanted: str) -> None:
        self._before()
        if key in self.objects and etag(self.objects[key]) == wanted:
            del self.objects[key]

    def delete_all(self, prefix: str, out_of_time: Callable[[], bool]) -> bool:
        self._before()
        if out_of_time():
            return False
        for key in self.list_keys(prefix):
            del self.objects[key]
        return True

    def list_keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def find(self, prefix: str) -> ListedObject | None:
        self._before()
        for key in self.list_keys(prefix):
            return ListedObject(key, etag(self.objects[key]), len(self.objects[key]))
        return None

    def begin_upload(self, key: str, _content_type: str) -> str:
        self._before()
        self._begun += 1
        upload = f"upload-{self._begun}"
        self.uploads[upload] = (key, {})
        return upload

    def upload_part(self, _key: str, upload_id: str, number: int, data: bytes) -> bool:
        if upload_id not in self.uploads:
            return False
        self.uploads[upload_id][1][number] = bytes(data)
        return True

    def uploaded_parts(self, _key: str, upload_id: str) -> dict[int, str]:
        self._before()
        _, parts = self.uploads.get(upload_id, ("", {}))
        return {number: etag(data) for number, data in parts.items()}

    def complete_upload(self, key: str, upload_id: str, parts: Mapping[int, str]) -> None:
        self._before()
        if upload_id in self.uploads:
            _, bodies = self.uploads.pop(upload_id)
            self.objects[key] = b"".join(bodies[number] for number in sorted(parts))

    def abort_upload(self, _key: str, upload_id: str) -> None:
        self.uploads.pop(upload_id, None)

    def abort_uploads(self, prefix: str) -> None:
        self._before()
        for upload, (key, _) in list(self.uploads.items()):
            if key.startswith(prefix):
                del self.uploads[upload]

    def _object(self, key: str) -> bytes:
        if key not in self.objects:
            raise FileError("upload_gone", "The upload was deleted; upload it again.")
        return self.objects[key]


def etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
