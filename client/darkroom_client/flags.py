"""The short forms in which the command takes a canvas and a background."""

from __future__ import annotations

import re
from typing import Any

from darkroom_client.errors import Unusable

_NAMED = {"white": "#FFFFFF", "black": "#000000"}


def canvas(text: str) -> dict[str, Any]:
    """`1080x1350` or `4:5` as the option `canvas`. Raises Unusable."""
    if size := re.fullmatch(r"(\d+)x(\d+)", text):
        return {"width": int(size[1]), "height": int(size[2])}
    if re.fullmatch(r"\d+:\d+", text):
        return {"aspect": text}
    raise Unusable(f"--canvas takes WIDTHxHEIGHT, such as 1080x1350, or an aspect, not {text!r}")


def background(text: str) -> str | dict[str, Any] | None:
    """A colour, `none`, `blur:PERCENT` or `image:NAME` as the option. Raises Unusable."""
    kind, colon, value = text.partition(":")
    if text == "none":
        return None
    if kind == "blur" and value.isdecimal():
        return {"blur": int(value)}
    if kind == "image" and value:
        return {"image": value}
    if not colon and (text in _NAMED or text.startswith("#")):
        return _NAMED.get(text, text)
    raise Unusable(
        f"--background takes none, white, #RRGGBB, blur:PERCENT or image:NAME, not {text!r}"
    )
