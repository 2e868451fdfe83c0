"""The code page of names that a ZIP does not declare as UTF-8.

photo_names.json has made-up names of photos in ten languages. The rules were chosen with those for
tuning; the accuracy in docs/decisions/0010-code-pages.md is that of the names held out.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from darkroom.limits import Limits
from functions.zip.ingest.code_pages import legacy_encoding
from functions.zip.ingest.listing import list_entries
from functions.zip.ingest.ranged import RangedFile
from tests.zip.crafted import Entry, build

ROOT = Path(__file__).parents[3]
NAMES = json.loads(Path(__file__).with_name("photo_names.json").read_text(encoding="utf-8"))
WESTERN = ("German", "French", "Spanish", "Swedish")
CASES = [
    *(("cp437", language) for language in WESTERN),
    *(("cp850", language) for language in (*WESTERN, "Portuguese")),
    *(("cp1252", language) for language in (*WESTERN, "Portuguese")),
    ("cp932", "Japanese"),
    ("gbk", "Chinese, simplified"),
    ("gb18030", "Chinese, simplified"),
    ("big5", "Chinese, traditional"),
    ("euc-kr", "Korean"),
    ("koi8-r", "Russian"),
    ("cp866", "Russian"),
    ("cp1251", "Russian"),
]


def encoded(language: str, part: str, codec: str) -> list[bytes]:
    """The names that the code page has, except those that are ASCII in it."""
    names = []
    for name in NAMES[language][part]:
        try:
            raw = name.encode(codec)
        except UnicodeEncodeError:
            continue
        if not raw.isascii():
            names.append(raw)
    return names


def lists(names: Sequence[bytes], size: int) -> list[list[bytes]]:
    """Each name alone, or 50 random lists of `size` names."""
    if size == 1:
        return [[name] for name in names]
    choice = random.Random(size)
    return [choice.sample(names, size) for _ in range(50)]


def accuracy(names: Sequence[bytes], codec: str, size: int) -> float:
    """The share of lists whose names are all decoded as they were encoded."""
    tried = lists(names, size)
    right = 0
    for chosen in tried:
        guess = legacy_encoding(chosen)
        right += [name.decode(guess, "replace") for name in chosen] == [
            name.decode(codec) for name in chosen
        ]
    return right / len(tried)


@pytest.mark.parametrize(("codec", "language"), CASES)
def test_accuracy_on_names_held_out(codec: str, language: str) -> None:
    names = encoded(language, "held out", codec)
    measured = {size: accuracy(names, codec, size) for size in (1, 2, 3, 5, 10)}
    print(codec, language, {size: f"{100 * share:.0f} %" for size, share in measured.items()})
    assert measured[1] >= 0.85
    assert measured[2] >= 0.97
    assert measured[3] >= 0.97
    assert measured[5] == measured[10] == 1


def paths(names: Sequence[bytes]) -> list[str]:
    data = build([Entry(name) for name in names])
    file = RangedFile(lambda start, end: data[start:end], len(data))
    return [one.path for one in list_entries(file, Limits())]


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("gbk", ["照片/北京故宫.jpg", "照片/长城 2.jpg"]),
        ("koi8-r", ["Фото/море.jpg"]),
        ("cp866", ["Отпуск 2019/Пляж.jpg", "дом.jpg"]),
        ("euc-kr", ["사진/벚꽃.jpg", "IMG_1.jpg"]),
        ("big5", ["照片/台北 101.jpg"]),
        ("cp1252", ["Größe 42/été \u2013 café.jpg"]),
        ("cp850", ["São João/coração.jpg"]),
        # A single CP437 name in the reading of another code page.
        ("cp437", ["größe.jpg"]),
        ("cp437", ["otoño.jpg"]),
        ("cp437", ["Élève.jpg", "rivière.jpg", "mère.jpg"]),
        ("cp437", ["Nº 3 ¿qué?.jpg"]),
        ("cp1252", ["sommar på ön.jpg"]),
        # The folder's name is the only evidence.
        ("koi8-r", [f"Отпуск/IMG_{n}.jpg" for n in range(50)]),
        # A name of another language that the code page has, among many others.
        ("gbk", ["照片/北京故宫.jpg", "照片/Иванов.jpg", "照片/さくら.jpg", "照片/手机壳.jpg"]),
    ],
)
def test_names_come_out_as_they_were(codec: str, names: list[str]) -> None:
    assert paths([name.encode(codec) for name in names]) == names


@pytest.mark.parametrize("name", NAMES["Japanese"]["tuning"] + NAMES["Japanese"]["held out"])
def test_every_japanese_name_alone(name: str) -> None:
    raw = name.encode("cp932")
    assert paths([raw]) == [name]


def test_names_in_no_code_page_at_all() -> None:
    """Random bytes stay readable as CP437, which has a character for every byte."""
    choice = random.Random(1)
    names = [bytes(choice.choices(range(0x80, 0x100), k=40)) + b".jpg" for _ in range(20)]
    assert paths(names) == [name.decode("cp437") for name in names]


@pytest.mark.parametrize(
    "name", [b"\xff\xfe", b"\xfe\xff\xe5", b"\xff\xd8\xff", b"\x80", b"\xa0" * 600, b"\x1b$B\xf0"]
)
def test_odd_names_are_decoded_somehow(name: bytes) -> None:
    (path,) = paths([name + b".jpg"])
    assert path.endswith(".jpg")


def test_one_name_that_is_written_in_another_code_page() -> None:
    """No code page but CP437 has all of them, so nothing is lost."""
    names = [name.encode("gbk") for name in ("北京故宫.jpg", "长城.jpg", "手机壳.jpg")]
    assert paths([*names, b"\xff.jpg"])[-1] == "\xa0.jpg"


@pytest.mark.parametrize(
    "pattern", ["照片/图{}.jpg", "IMG_{}_照片.jpg", "summer holiday {} 照片.jpg"]
)
def test_numbers_and_ascii_words_do_not_matter(pattern: str) -> None:
    names = [pattern.format(number) for number in range(500)]
    assert paths([name.encode("gbk") for name in names]) == names


def test_only_a_sample_of_a_hundred_thousand_names_is_examined() -> None:
    read = 0

    def names() -> Iterator[bytes]:
        nonlocal read
        for read in range(100_000):
            yield f"照片/北京 {read}.jpg".encode("gbk")

    assert legacy_encoding(names()) == "gb18030"
    assert read < 2000


def test_the_detector_is_imported_only_for_names_that_need_it() -> None:
    program = (
        "import sys; from functions.zip.ingest.code_pages import legacy_encoding; "
        "legacy_encoding([]); legacy_encoding(['größe.jpg'.encode('cp437')]); "
        "assert 'chardet' not in sys.modules; "
        "legacy_encoding(['照片.jpg'.encode('gbk')]); assert 'chardet' in sys.modules"
    )
    path = [str(ROOT), str(ROOT / "layer"), *filter(None, sys.path)]
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(path)})
