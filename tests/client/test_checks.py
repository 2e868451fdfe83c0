"""The checks find what they are there to find."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from darkroom_client.checks import BadPng, open_png, zip_problems
from tests.client.service import png

WHOLE = png(5, 4)
MANIFEST = json.dumps({"files": [{"name": "a.jpg", "status": "succeeded", "path": "a.png"}]})


def test_a_whole_png_opens() -> None:
    assert open_png(WHOLE) == (5, 4, True)
    assert open_png(png(5, 4, colour=2)) == (5, 4, False)


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_cut_png_does_not(length: int) -> None:
    with pytest.raises(BadPng):
        open_png(WHOLE[:length])


@pytest.mark.parametrize("place", range(len(WHOLE)))
def test_a_damaged_png_does_not(place: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] ^= 0x55
    with pytest.raises(BadPng):
        open_png(bytes(damaged))


def test_a_png_of_other_pixels_than_its_header_does_not() -> None:
    taller = png(5, 5)
    with pytest.raises(BadPng, match="not those of its header"):
        open_png(WHOLE[:33] + taller[33:])


def packed(path: Path, entries: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"a.png": WHOLE, "manifest.json": MANIFEST}, ""),
        ({"a.png": WHOLE}, "the ZIP holds a.png"),
        ({"b.png": WHOLE, "manifest.json": MANIFEST}, "the ZIP holds b.png, manifest.json"),
        ({"a.png": b"", "manifest.json": MANIFEST}, "a.png in the ZIP is not what"),
        ({"a.png": WHOLE, "manifest.json": "{}"}, "manifest.json cannot be read"),
        ({"a.png": WHOLE, "manifest.json": '{"files": []}'}, "manifest.json does not tell"),
    ],
)
def test_a_zip_is_looked_through(
    tmp_path: Path, entries: dict[str, bytes | str], said: str
) -> None:
    found = zip_problems(packed(tmp_path / "a.zip", entries), {"a.png": WHOLE}, {"a.jpg": "a.png"})
    assert found[0].startswith(said) if found else said == ""


def test_a_damaged_zip_is_found(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": WHOLE, "manifest.json": MANIFEST})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    wanted = ({"a.png": WHOLE}, {"a.jpg": "a.png"})
    assert zip_problems(path, *wanted) == ["the ZIP's a.png is damaged"]
    path.write_bytes(data[:-30])
    assert zip_problems(path, *wanted)[0].startswith("the ZIP does not open")
