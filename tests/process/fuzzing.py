"""Runs mutated files through the engine. `test_fuzz` starts it in a separate process.

    python -m tests.process.fuzzing COUNT SEED

Prints one line of JSON: the number of each outcome, the seconds of the slowest photo and the
process's peak memory. Any outcome other than a result or a known error ends the process; unless the
error is a FileError, the file is printed to stderr first.
"""

from __future__ import annotations

import base64
import json
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from darkroom.errors import FileError
from darkroom.limits import Limits
from darkroom.options import Options, parse_options
from functions.process.engine import Engine
from functions.process.models import Models
from tests.process.pictures import HEIC, noise, quarters, saved

ADDRESS_SPACE = 6 << 30
KNOWN_CODES = {
    "not_a_photo",
    "unsupported_format",
    "damaged_photo",
    "too_many_pixels",
    "too_complex",
    "result_too_large",
}
EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0")


def seeds() -> list[bytes]:
    picture = quarters(64, 48)
    rough, noisy = Image.fromarray(noise(40, 30)), Image.fromarray(noise(64, 48))
    block = Image.Exif()
    block[0x0112] = 6
    block[0x8769] = {0x9003: "2020:01:01 00:00:00"}
    exif = block.tobytes()
    return [
        saved(picture, "JPEG", exif=exif),
        saved(rough, "JPEG", progressive=True),
        saved(rough.convert("CMYK"), "JPEG"),
        saved(picture, "PNG", exif=exif),
        saved(rough.quantize(16), "PNG", transparency=3),
        saved(picture, "GIF", save_all=True, append_images=[rough]),
        saved(picture, "BMP"),
        saved(rough.quantize(16), "BMP"),
        saved(picture, "TIFF", compression="tiff_lzw"),
        saved(rough, "TIFF", compression="jpeg"),
        saved(rough, "TIFF", compression="tiff_deflate"),
        saved(picture, "WEBP", exif=exif),
        saved(rough, "WEBP", lossless=True),
        saved(picture, "WEBP", save_all=True, append_images=[noisy]),
        saved(rough, "AVIF", exif=exif),
        HEIC,
    ]


def mutated(photo: bytes, chance: random.Random) -> bytes:
    """Apply a few random mutations, most of them near the start, where the structure is."""
    data = bytearray(photo)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        near_start = chance.random() < 0.6
        at = chance.randrange(min(len(data), 200) if near_start else len(data))
        match chance.randrange(6):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.randrange(256)
            case 2:
                data[at : at + 4] = chance.choice(EXTREMES)
            case 3:
                del data[at : at + chance.randrange(1, 40)]
            case 4:
                data[at:at] = data[at : at + chance.randrange(1, 200)]
            case _:
                del data[max(8, at) :]
        if not data:
            data = bytearray(b"\0")
    return bytes(data)


def main(count: int, seed: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    engine = Engine(Models(), Limits(photo_pixels=4_000_000))
    chance = random.Random(seed)
    options = [
        Options(remove_bg=False),
        parse_options({"remove_bg": False, "crop_face": True, "format": "jpeg", "max_side": 32}),
        parse_options({"remove_bg": False, "trim": True, "background": "#11223344"}),
    ]
    files, outcomes, slowest = seeds(), Counter[str](), 0.0
    for number in range(count):
        photo = mutated(files[number % len(files)], chance)
        started = time.perf_counter()
        try:
            engine.process(photo, chance.choice(options))
            outcomes["result"] += 1
        except FileError as error:
            if error.code not in KNOWN_CODES:
                raise
            outcomes[error.code] += 1
        except BaseException:
            print(base64.b64encode(photo).decode(), file=sys.stderr)
            raise
        slowest = max(slowest, time.perf_counter() - started)
    print(json.dumps({"outcomes": outcomes, "slowest": slowest, "peak": _peak()}))


def _peak() -> int:
    """Peak resident memory in bytes. getrusage would include the parent process's peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
