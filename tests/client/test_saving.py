"""What is sent, and where results go."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkroom_client.errors import Unusable
from darkroom_client.saving import Places, gather, result_name


def test_folders_give_their_photos_with_their_sub_folders(tmp_path: Path) -> None:
    for name in ("b.JPG", "sub/a.heic", "notes.txt", ".hidden/c.jpg", "album.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in gather([tmp_path])] == ["b.JPG", "sub/a.heic"]
    assert [file.name for file in gather([tmp_path / "album.zip"])] == ["album.zip"]
    assert [file.name for file in gather([tmp_path / "notes.txt"])] == ["notes.txt"]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no photos in this folder"):
        gather([tmp_path])
    with pytest.raises(Unusable, match=r"gone\.jpg: there is no such file"):
        gather([tmp_path / "gone.jpg"])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.jpg", "a.png"),
        ("trip/a.b.JPEG", "trip/a.b.png"),
        ("trip 1.5.2024", "trip 1.5.2024.png"),
        (".jpg", ".jpg.png"),
        ("v1.2/photo", "v1.2/photo.png"),
    ],
)
def test_a_result_keeps_its_name(name: str, wanted: str) -> None:
    assert result_name(name, "image/png") == wanted


@pytest.mark.parametrize(
    "name", ["../../etc/a.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "..", "", "a/../../b.png"]
)
def test_nothing_is_ever_saved_outside(tmp_path: Path, name: str) -> None:
    place = Places(tmp_path).place(name).resolve()
    assert place != tmp_path
    assert place.is_relative_to(tmp_path)


def test_nothing_is_saved_over_another_result_or_an_input(tmp_path: Path) -> None:
    places = Places(tmp_path, [tmp_path / "a.png"])
    placed = [places.place(name).name for name in ("a.png", "b.png", "B.png", "a.png")]
    assert placed == ["a (2).png", "b.png", "B (2).png", "a (3).png"]
