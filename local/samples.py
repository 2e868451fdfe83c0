"""Sample photos: those that scikit-image ships in its wheel.

`python -m local.samples` writes them to out/photos/, as JPEG files and as a ZIP with sub-folders.
"""

import importlib.util
import sys
import zipfile
from pathlib import Path

from PIL import Image

from local import ROOT, LocalStackError

PHOTOS = ROOT / "out" / "photos"
ALBUM = "album.zip"
WITH_A_FACE = "astronaut.jpg"
SOURCES = {
    "astronaut.jpg": "astronaut.png",
    "cat.jpg": "chelsea.png",
    "coffee.jpg": "coffee.png",
    "rocket.jpg": "rocket.jpg",
    "motorcycle.jpg": "motorcycle_left.png",
}
"""Our names, and scikit-image's. Not every release ships all of them."""
FOLDERS = {
    "astronaut.jpg": "people",
    "cat.jpg": "animals",
    "coffee.jpg": "things",
    "rocket.jpg": "things/on the move",
    "motorcycle.jpg": "things/on the move",
}
_QUALITY = 92


def write(folder: Path = PHOTOS) -> list[Path]:
    """Write the photos that do not exist yet, and the ZIP; returns the paths of the photos."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = [path for path in (_photo(folder / name) for name in SOURCES) if path]
    if folder / WITH_A_FACE not in photos:
        raise LocalStackError(
            "scikit-image is installed without its sample photos. Delete .venv and run: make setup"
        )
    with zipfile.ZipFile(folder / ALBUM, "w") as album:
        for photo in photos:
            album.write(photo, f"{FOLDERS[photo.name]}/{photo.name}")
    return photos


def _photo(to: Path) -> Path | None:
    """Returns None if scikit-image does not ship the photo."""
    source = _shipped() / SOURCES[to.name]
    if not source.is_file():
        return None
    if not to.exists():
        with Image.open(source) as picture:
            picture.convert("RGB").save(to, "JPEG", quality=_QUALITY)
    return to


def _shipped() -> Path:
    """The folder of scikit-image's photos. Its own functions would download missing ones."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise LocalStackError("scikit-image is not installed. Run: make setup")
    return Path(spec.origin).parent / "data"


if __name__ == "__main__":
    for path in write():
        sys.stdout.write(f"{path}\n")
