"""The checks accept correct results and reject damaged ones."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from darkroom_client.checks import BadPng, open_png, zip_problems
from tests.client.service import png

INTACT = png(5, 4)
MANIFEST = json.dumps({"files": [{"name": "a.jpg", "status": "succeeded", "path": "a.png"}]})


def test_an_intact_png_is_decoded() -> None:
    assert open_png(INTACT) == (5, 4, True)
    assert open_png(png(5, 4, colour=2)) == (5, 4, False)


@pytest.mark.parametrize("length", range(len(INTACT)))
def test_a_truncated_png_is_rejected(length: int) -> None:
    with pytest.raises(BadPng):
        open_png(INTACT[:length])


@pytest.mark.parametrize("place", range(len(INTACT)))
def test_a_damaged_png_is_rejected(place: int) -> None:
    damaged = bytearray(INTACT)
    damaged[place] ^= 0x55
    with pytest.raises(BadPng):
        open_png(bytes(damaged))


def test_a_png_whose_pixels_do_not_match_its_header_is_rejected() -> None:
    taller = png(5, 5)
    with pytest.raises(BadPng, match="do not match its header"):
        open_png(INTACT[:33] + taller[33:])


def packed(path: Path, entries: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a.png": INTACT, "manifest.json": MANIFEST}, ""),
        ({"a.png": INTACT}, "the archive holds other entries: a.png"),
        (
            {"b.png": INTACT, "manifest.json": MANIFEST},
            "the archive holds other entries: b.png, manifest.json",
        ),
        ({"a.png": b"", "manifest.json": MANIFEST}, "a.png in the archive differs"),
        ({"a.png": INTACT, "manifest.json": "{}"}, "manifest.json cannot be read"),
        ({"a.png": INTACT, "manifest.json": '{"files": []}'}, "manifest.json does not list"),
    ],
)
def test_archives_are_checked(
    tmp_path: Path, entries: dict[str, bytes | str], message: str
) -> None:
    problems = zip_problems(
        packed(tmp_path / "a.zip", entries), {"a.png": INTACT}, {"a.jpg": "a.png"}
    )
    assert problems[0].startswith(message) if problems else message == ""


def test_a_damaged_archive_is_reported(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": INTACT, "manifest.json": MANIFEST})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    expected = ({"a.png": INTACT}, {"a.jpg": "a.png"})
    assert zip_problems(path, *expected) == ["a.png is damaged in the archive"]
    path.write_bytes(data[:-30])
    assert zip_problems(path, *expected)[0].startswith("the archive cannot be opened")
