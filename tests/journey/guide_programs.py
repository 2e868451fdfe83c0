"""What the guide's programs are run with: their environment, and photos to process."""

from __future__ import annotations

import os
from pathlib import Path

from local.stack import Stack
from tests.guides import ROOT
from tests.journey.api import ASTRONAUT, CAT

PHOTOS = {"astronaut.jpg": ASTRONAUT, "cat.jpg": CAT, "text.jpg": b"this is not a photo"}


def environment(stack: Stack, **more: str) -> dict[str, str]:
    """The variables that the guide names, and no proxy: none leads to this machine."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    named = {"DARKROOM_URL": stack.api_url, "DARKROOM_KEY": stack.key}
    return kept | named | {"PYTHONPATH": str(ROOT / "client"), "NO_PROXY": "127.0.0.1"} | more


def write_photos(folder: Path) -> list[Path]:
    """Two photos, and a file that only looks like one by its name."""
    folder.mkdir()
    paths = [folder / name for name in PHOTOS]
    for path in paths:
        path.write_bytes(PHOTOS[path.name])
    return paths
