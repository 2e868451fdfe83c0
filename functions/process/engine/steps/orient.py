"""The picture the right way up."""

from __future__ import annotations

from PIL.Image import Transpose

from functions.process.engine.structure.exif import orientation
from functions.process.engine.work import Tools, Work

# What undoes each orientation. Source: EXIF 2.32, tag 274.
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def orient(work: Work, _tools: Tools) -> None:
    turned = work.found.orientation if work.found else 1
    if turned == 0:
        turned = orientation(work.image.info.get("exif", b""))
    method = _UPRIGHT.get(turned)
    if method is None:
        return
    info = work.image.info
    work.image = work.image.transpose(method)
    work.image.info.update(info)
