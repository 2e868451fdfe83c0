"""Files that are not photos, too large, damaged or bombs are rejected with a code, quickly."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from darkroom.errors import FileError, SkippedFile
from darkroom.limits import Limits
from darkroom.options import Options
from functions.process.engine import Budget, Engine
from functions.process.engine.structure import parse
from functions.process.models import Models
from tests.process.pictures import HEIC, near, noise, quarters, run, saved, through

PLAIN = Options(remove_bg=False)


def outcome(engine: Engine, photo: bytes) -> str:
    """The error's code. It must be raised within three seconds, without long decoding."""
    started = time.perf_counter()
    with pytest.raises(FileError) as caught:
        engine.process(photo, PLAIN)
    assert time.perf_counter() - started < 3
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize("photo", [b"", b"x", b"PK\x03\x04" + b"0" * 99, b"some text\n" * 50])
def test_files_that_are_not_photos(engine: Engine, photo: bytes) -> None:
    with pytest.raises(SkippedFile, match="not_a_photo"):
        engine.process(photo, PLAIN)


@pytest.mark.parametrize(
    "photo",
    [
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\n <svg/>",
        b"8BPS" + b"\0" * 40,
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"%PDF-1.7\n",
        b"\0\0\1\0\1\0" + b"\0" * 40,
        saved(quarters(), "JPEG2000"),
    ],
)
def test_unsupported_image_formats(engine: Engine, photo: bytes) -> None:
    assert outcome(engine, photo) == "unsupported_format"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_the_format_is_detected_from_the_bytes(kind: str) -> None:
    assert parse(saved(quarters(), kind)).decoder == kind


def test_heic_is_distinguished_from_avif() -> None:
    assert parse(HEIC).decoder == "HEIF"


def header(width: int, height: int) -> bytes:
    """A PNG that declares any size and contains no pixels."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def patched(photo: bytes, old: bytes, new: bytes) -> bytes:
    assert old in photo
    return photo.replace(old, new, 1)


HUGE = {
    "png": lambda: header(60_000, 60_000),
    "jpeg": lambda: patched(
        saved(quarters(), "JPEG"), struct.pack(">HH", 32, 48), struct.pack(">HH", 60_000, 60_000)
    ),
    "gif canvas": lambda: patched(
        saved(quarters(), "GIF"), struct.pack("<HH", 48, 32), struct.pack("<HH", 60_000, 60_000)
    ),
    "gif frame": lambda: patched(
        saved(quarters(), "GIF"),
        b"," + struct.pack("<HHHH", 0, 0, 48, 32),
        b"," + struct.pack("<HHHH", 0, 0, 60_000, 60_000),
    ),
    "bmp": lambda: patched(
        saved(quarters(), "BMP"), struct.pack("<II", 48, 32), struct.pack("<II", 60_000, 60_000)
    ),
    "webp": lambda: (
        b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x9f\x86\x01" * 2 + b"VP8L\0\0\0\0"
    ),
    "tiff": lambda: patched(
        saved(quarters(), "TIFF"),
        struct.pack("<HHII", 256, 4, 1, 48),
        struct.pack("<HHII", 256, 4, 1, 9_000_000),
    ),
}


@pytest.mark.parametrize("kind", HUGE)
def test_pixels_are_counted_before_decoding(engine: Engine, kind: str) -> None:
    photos: dict[str, Callable[[], bytes]] = HUGE
    try:
        photo = photos[kind]()
    except AssertionError:
        # Pillow writes these two TIFF tags as 16-bit numbers.
        old, new = (struct.pack("<HHIHH", 256, 3, 1, n, 0) for n in (48, 0xFFFF))
        photo = patched(
            saved(quarters(2_000, 900), "TIFF").replace(
                struct.pack("<HHIHH", 256, 3, 1, 2_000, 0), old
            ),
            old,
            new,
        )
    assert outcome(engine, photo) == "too_many_pixels"


def test_limits_are_settings(models: Models) -> None:
    photo = saved(quarters(100, 50))
    assert outcome(Engine(models, Limits(photo_pixels=4_999)), photo) == "too_many_pixels"
    assert outcome(Engine(models, Limits(photo_bytes=len(photo) - 1)), photo) == "file_too_large"
    exact = Engine(models, Limits(photo_pixels=5_000, photo_bytes=len(photo)))
    assert exact.process(photo, PLAIN).width == 100


def test_time_is_limited(models: Models) -> None:
    assert outcome(Engine(models, budget=Budget(seconds=0)), saved(quarters())) == "too_slow"


def progressive(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    photo = saved(Image.fromarray(noise(640, 480)), "JPEG", progressive=True, quality=30)
    last = photo.rindex(b"\xff\xda")
    start = photo.rindex(b"\xff\xc4", 0, last)
    return photo[:-2] + photo[start:-2] * scans + b"\xff\xd9"


def test_a_thousand_scans(engine: Engine) -> None:
    assert outcome(engine, progressive(1_000)) == "too_complex"


def test_usual_progressive_jpegs_are_fine(engine: Engine) -> None:
    plain = saved(Image.fromarray(noise(640, 480)), "JPEG", progressive=True)
    assert near(through(engine, plain), Image.open(io.BytesIO(plain)).convert("RGB"), 0)


def test_a_jpeg_of_too_many_segments(engine: Engine) -> None:
    photo = saved(quarters(), "JPEG")
    assert outcome(engine, photo[:2] + b"\xff\xfe\0\2" * 1_000_000 + photo[2:]) == "too_complex"


def test_fill_bytes_are_skipped(engine: Engine) -> None:
    photo = saved(quarters(), "JPEG", quality=95)
    padded = photo[:2] + b"\xff" * 5_000_000 + photo[2:]
    assert near(through(engine, padded), through(engine, photo), 0)


def test_a_gif_of_a_hundred_thousand_frames(engine: Engine) -> None:
    """Only the first frame is parsed."""
    photo = saved(quarters(), "GIF")
    frame = photo[photo.index(b",") : -1]
    started = time.monotonic()
    result = run(engine, photo[:-1] + frame * 100_000 + b";", remove_bg=False)
    assert time.monotonic() - started < 2
    assert [warning.code for warning in result.warnings] == ["first_frame"]


def test_a_gif_of_too_many_comments(engine: Engine) -> None:
    photo = saved(quarters(), "GIF")
    start = photo.index(b",")
    comments = b"!\xfe" + b"\1x" * 3_000_000 + b"\0"
    assert outcome(engine, photo[:start] + comments + photo[start:]) == "too_complex"
    many = b"!\xfe\1x\0" * 1_000_000
    assert outcome(engine, photo[:start] + many + photo[start:]) == "too_complex"


def test_a_png_of_too_many_chunks(engine: Engine) -> None:
    photo = saved(quarters())
    start = photo.index(b"IDAT") - 4
    assert outcome(engine, photo[:start] + chunk(b"IDAT", b"") * 200_000) == "too_complex"


def test_a_png_whose_profile_is_a_bomb(engine: Engine) -> None:
    photo = saved(quarters())
    bomb = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(300_000_000), 9))
    try:
        result = engine.process(photo[:33] + bomb + photo[33:], PLAIN)
    except FileError as error:
        assert error.code == "damaged_photo"
    else:
        assert result.width == 48


def test_a_webp_of_too_many_chunks(engine: Engine) -> None:
    photo = saved(quarters(), "WEBP")
    assert outcome(engine, photo + b"junk\0\0\0\0" * 100_000) == "too_complex"


def test_a_run_length_coded_bitmap(engine: Engine) -> None:
    photo = bytearray(saved(quarters().quantize(16), "BMP")) + b"\2\1" * 3_000_000
    photo[30:34] = (1).to_bytes(4, "little")
    assert outcome(engine, bytes(photo)) == "too_complex"


def test_a_tiff_whose_tags_overlap(engine: Engine) -> None:
    filling = bytes(2_000_000)
    tags = b"".join(struct.pack("<HHII", 40_000 + n, 1, 1_900_000, 8) for n in range(500))
    photo = b"II*\0" + struct.pack("<I", 8 + len(filling)) + filling
    photo += struct.pack("<H", 500) + tags + b"\0" * 4
    assert outcome(engine, photo) == "too_complex"


def test_a_tiff_of_enormous_tiles(engine: Engine) -> None:
    entries = [(256, 1), (257, 1), (258, 8), (262, 1), (322, 65_520), (323, 65_520), (324, 8)]
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    photo = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + tags + b"\0" * 99
    assert outcome(engine, photo) == "too_complex"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_cut_off_files_are_damaged(engine: Engine, kind: str, part: float) -> None:
    photo = saved(Image.fromarray(noise(200, 150)), kind)
    try:
        run(engine, photo[: int(len(photo) * part)], remove_bg=False)
    except FileError as error:
        assert error.code == "damaged_photo"
    else:
        # The decoders of GIF and WebP fill in missing data near the end.
        assert kind in ("GIF", "WEBP")
        assert part == 0.9


def test_metadata_never_reaches_a_decoder() -> None:
    block = Image.Exif()
    block[0x010E] = "MARKER" * 50
    for kind in ("JPEG", "PNG"):
        photo = saved(quarters(), kind, exif=block.tobytes())
        assert b"MARKER" in photo
        assert b"MARKER" not in parse(photo).data


def test_removing_metadata_keeps_the_pixels_of_a_jpeg() -> None:
    photo = saved(Image.fromarray(noise(300, 200)), "JPEG", progressive=True, comment=b"hello")
    stripped = parse(photo).data
    assert b"hello" not in stripped
    pictures = [np.asarray(Image.open(io.BytesIO(data))) for data in (photo, stripped)]
    assert np.array_equal(*pictures)


def test_a_heic_with_an_invalid_item_list(engine: Engine) -> None:
    """pi_heif decodes an item's type without validation, which crashed the process."""
    item = HEIC.rindex(b"Exif", 0, HEIC.index(b"iprp"))
    assert outcome(engine, HEIC[:item] + b"\xff\xff\xff\xff" + HEIC[item + 4 :]) == "damaged_photo"
