"""The real engine accepts the stand-in, which needs no model files."""

import io

from PIL import Image

from darkroom.options import Options
from functions.process.engine import Engine
from local.standin_models import Models


def test_every_photo_gets_the_same_ellipse() -> None:
    engine = Engine(Models())  # type: ignore[arg-type]
    for colour in ("white", "navy"):
        out = io.BytesIO()
        Image.new("RGB", (120, 80), colour).save(out, "JPEG")
        result = engine.process(out.getvalue(), Options(model="u2netp"))
        alpha = Image.open(io.BytesIO(result.data)).getchannel("A")
        assert alpha.size == (120, 80)
        assert [alpha.getpixel(at) for at in [(60, 40), (0, 0), (119, 79)]] == [255, 0, 0]
