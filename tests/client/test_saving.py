"""Which files are uploaded, and where results are saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkroom_client.errors import Unusable
from darkroom_client.saving import Places, find_files, result_name


def test_photos_in_folders_keep_their_sub_folders(tmp_path: Path) -> None:
    for name in ("b.JPG", "sub/a.heic", "notes.txt", ".hidden/c.jpg", "album.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in find_files([tmp_path])] == ["b.JPG", "sub/a.heic"]
    assert [file.name for file in find_files([tmp_path / "album.zip"])] == ["album.zip"]
    assert [file.name for file in find_files([tmp_path / "notes.txt"])] == ["notes.txt"]


def test_missing_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no photos in this folder"):
        find_files([tmp_path])
    with pytest.raises(Unusable, match=r"gone\.jpg: no such file"):
        find_files([tmp_path / "gone.jpg"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "a.png"),
        ("trip/a.b.JPEG", "trip/a.b.png"),
        ("trip 1.5.2024", "trip 1.5.2024.png"),
        (".jpg", ".jpg.png"),
        ("v1.2/photo", "v1.2/photo.png"),
    ],
)
def test_a_result_is_named_after_its_photo(name: str, expected: str) -> None:
    assert result_name(name, "image/png") == expected


@pytest.mark.parametrize(
    "name", ["../../etc/a.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "..", "", "a/../../b.png"]
)
def test_results_are_never_saved_outside_the_folder(tmp_path: Path, name: str) -> None:
    place = Places(tmp_path).place(name).resolve()
    assert place != tmp_path
    assert place.is_relative_to(tmp_path)


def test_results_overwrite_neither_each_other_nor_an_input(tmp_path: Path) -> None:
    places = Places(tmp_path, [tmp_path / "a.png"])
    placed = [places.place(name).name for name in ("a.png", "b.png", "B.png", "a.png")]
    assert placed == ["a (2).png", "b.png", "B (2).png", "a (3).png"]
