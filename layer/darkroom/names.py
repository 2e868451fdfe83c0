"""Names people see: made safe for any file system they unpack to, and no two alike."""

from __future__ import annotations

from collections.abc import Iterable


def safe_path(raw: str) -> str:
    """`raw` as a relative path that is safe to write on Windows, macOS and Linux, never empty."""
    raise NotImplementedError


def with_extension(path: str, ext: str) -> str:
    """`path` with `ext` (".png") in place of its extension."""
    raise NotImplementedError


class UniqueNames:
    """Numbers collisions: a.png, a (2).png. The same paths in the same order get the same names."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        raise NotImplementedError

    def add(self, path: str) -> str:
        """`path`, or a numbered form of it that nobody has been given yet."""
        raise NotImplementedError
