"""A result archive as a plan: every byte's place is known before one is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

Ref = TypeVar("Ref")


class Item(NamedTuple, Generic[Ref]):
    """A result to be stored. path: safe and unique. ref: where its bytes are, for the caller."""

    path: str
    size: int
    crc32: int
    modified: datetime | None
    ref: Ref


class Trailing(NamedTuple):
    """A file whose bytes are at hand, placed behind the items: the manifest."""

    path: str
    data: bytes
    modified: datetime | None = None


class Literal(NamedTuple):
    """Bytes of the archive itself."""

    data: bytes


class Slice(NamedTuple, Generic[Ref]):
    """Bytes [start, end) of the item that `ref` names."""

    ref: Ref
    start: int
    end: int


class Part(NamedTuple):
    """A part of a multipart upload: its number from 1, and bytes [start, end) of the archive."""

    number: int
    start: int
    end: int


class Layout(Generic[Ref]):
    """The ZIP of `items` followed by `trailing`; equal arguments give equal bytes."""

    def __init__(self, items: Sequence[Item[Ref]], trailing: Sequence[Trailing] = ()) -> None:
        self.size = 0

    def segments(self, start: int, end: int) -> Iterator[Literal | Slice[Ref]]:
        """Bytes [start, end) of the archive, in order; any range can be built on its own."""
        raise NotImplementedError

    def parts(self, part_size: int | None = None) -> list[Part]:
        """The archive cut for a multipart upload, `part_size` bytes each but the last."""
        raise NotImplementedError


def part_size_for(total: int) -> int:
    """A part size in bytes that S3 accepts for an object of `total` bytes."""
    raise NotImplementedError
