"""File names: safe on every file system, and unique within an archive."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.names import COMPONENT_BYTES, PATH_BYTES, UniqueNames, safe_path, with_extension

ODD = st.text(
    st.sampled_from("ab./\\: ~*?\x00\u202e\u200deÉé\u0301ßssİ☃写CONnul1()é<\u0338"), max_size=40
)
ANY = st.one_of(st.text(max_size=300), ODD)


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("a.jpg", "a.jpg"),
        ("trip/day 1/a.jpg", "trip/day 1/a.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("/absolute/a.jpg", "absolute/a.jpg"),
        ("C:\\Users\\me\\a.jpg", "Users/me/a.jpg"),
        ("\\\\server\\share\\a.jpg", "server/share/a.jpg"),
        ("a//./b/../c.jpg", "a/b/c.jpg"),
        ("", "photo"),
        ("...", "photo"),
        ("/", "photo"),
        ("\0\r\n", "photo"),
        ("a\0b\x1b[31m.jpg", "ab[31m.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ('what? <"a:b">|*.jpg', "what_ __a_b____.jpg"),
        ("trailing. . /a.jpg .", "trailing/a.jpg"),
        ("CON", "CON_"),
        ("con.jpg", "con_.jpg"),
        ("a/Nul.tar.gz", "a/Nul_.tar.gz"),
        ("lpt1 .jpg", "lpt1_.jpg"),
        ("COM¹.jpg", "COM¹_.jpg"),
        ("console.jpg", "console.jpg"),
        ("cafe\u0301.jpg", "café.jpg"),
        ("写真/桜.jpg", "写真/桜.jpg"),
        ("👨‍👩‍👧.jpg", "👨‍👩‍👧.jpg"),
        (".hidden", ".hidden"),
        ("\ud800a.jpg", "a.jpg"),
        ("é" * 300 + ".jpg", "é" * ((COMPONENT_BYTES - 4) // 2) + ".jpg"),
    ],
)
def test_safe_path(raw: str, safe: str) -> None:
    assert safe_path(raw) == safe


@given(ANY)
def test_safe_path_is_safe(raw: str) -> None:
    path = safe_path(raw)
    assert path and path == safe_path(path) == unicodedata.normalize("NFC", path)
    assert len(path.encode()) <= PATH_BYTES
    for part in path.split("/"):
        assert part.strip(". ") and part == part.rstrip(". ")
        assert len(part.encode()) <= COMPONENT_BYTES
        assert not set(part) & set('<>:"\\|?*')
        assert all(unicodedata.category(c) != "Cc" for c in part)
        assert part.split(".")[0].strip().lower() not in {"con", "nul", "aux", "prn", "com1"}


def test_a_path_that_is_too_long_loses_its_outermost_folders() -> None:
    path = safe_path("/".join(["folder"] * 500) + "/a.jpg")
    assert len(path.encode()) <= PATH_BYTES
    assert path.endswith("folder/a.jpg")


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("a.jpg", "a.png"),
        ("a/b.c/d.tar.JPEG", "a/b.c/d.tar.png"),
        ("no extension", "no extension.png"),
        ("trip 1.5.2024", "trip 1.5.2024.png"),
        (".jpg", ".jpg.png"),
        ("a.b/c", "a.b/c.png"),
    ],
)
def test_with_extension(path: str, result: str) -> None:
    assert with_extension(path, ".png") == result


def named(*paths: str, reserved: tuple[str, ...] = ()) -> list[str]:
    names = UniqueNames(reserved)
    return [names.add(path) for path in paths]


def test_collisions_are_numbered() -> None:
    assert named("a.png", "a.png", "a.png") == ["a.png", "a (2).png", "a (3).png"]
    assert named("a.png", "A.PNG") == ["a.png", "A (2).PNG"]
    assert named("é.png", "e\u0301.png") == ["é.png", "e\u0301 (2).png"]
    assert named("a (2).png", "a.png", "a.png") == ["a (2).png", "a.png", "a (3).png"]
    assert named("a/a.png", "b/a.png") == ["a/a.png", "b/a.png"]
    assert named("manifest.json", reserved=("manifest.json",)) == ["manifest (2).json"]


def test_files_and_folders_collide() -> None:
    assert named("a", "a/b") == ["a", "a (2)/b"]
    assert named("a/b", "a") == ["a/b", "a (2)"]
    assert named("a/b/c", "A/B") == ["a/b/c", "a/B (2)"]
    assert named("Trip/a.png", "trip/b.png") == ["Trip/a.png", "Trip/b.png"]


@given(st.lists(ANY.map(safe_path), max_size=30))
def test_names_are_unique(paths: list[str]) -> None:
    result = named(*paths)
    assert result == named(*paths), "the same for the same order"
    keys = [unicodedata.normalize("NFC", path.casefold()) for path in result]
    assert len(set(keys)) == len(keys)
    folders = {key[:at] for key in keys for at, c in enumerate(key) if c == "/"}
    assert not folders & set(keys)
    assert result == [safe_path(path) for path in result], "still safe"


def test_a_hundred_thousand_equal_names_are_numbered() -> None:
    names = UniqueNames()
    assert [names.add("a.png") for _ in range(100_000)][-1] == "a (100000).png"
