"""The effect of each option on the pixels, with a stub model that returns a fixed mask."""

from __future__ import annotations

import io
import zlib

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from darkroom.errors import FileError
from darkroom.limits import Limits
from functions.process.engine import Engine
from functions.process.engine.steps.edges import _smooth
from functions.process.engine.steps.mask import _scaled
from functions.process.engine.strips import Strips
from functions.process.warm_rembg import post_processing
from tests.process.conftest import Disc, OneModel
from tests.process.pictures import GREEN, near, noise, opened, quarters, run, saved, through

SIZE = (160, 120)
bg = post_processing()


@pytest.fixture
def pixels() -> np.ndarray:
    return noise(*SIZE, seed=3)


@pytest.fixture
def photo(pixels: np.ndarray) -> bytes:
    return saved(Image.fromarray(pixels))


@pytest.fixture
def mask() -> Image.Image:
    return Disc().predict(Image.new("RGB", (64, 64)))[0].resize(SIZE, Image.Resampling.LANCZOS)


def test_plain_edges_equal_rembgs_cutout(
    disc_engine: Engine, photo: bytes, pixels: np.ndarray, mask: Image.Image
) -> None:
    result = run(disc_engine, photo, edges="plain")
    expected = bg.naive_cutout(Image.fromarray(pixels), mask)
    assert near(opened(result), expected, 1)
    assert (result.content_type, result.extension) == ("image/png", ".png")
    assert (result.width, result.height, result.model, result.faces) == (*SIZE, "u2netp", None)
    assert result.crc32 == zlib.crc32(result.data)


def test_the_model_sees_the_whole_photo_at_its_own_size(
    disc_engine: Engine, disc: Disc, photo: bytes, pixels: np.ndarray
) -> None:
    run(disc_engine, photo)
    expected = Image.fromarray(pixels).resize((64, 64), Image.Resampling.LANCZOS)
    assert near(disc.seen[0], expected, 1)


def test_without_options_the_photo_is_unchanged(
    disc_engine: Engine, disc: Disc, photo: bytes, pixels: np.ndarray
) -> None:
    result = run(disc_engine, photo, remove_bg=False)
    assert np.array_equal(np.asarray(opened(result)), pixels)
    assert result.model is None
    assert disc.seen == []


def test_transparency_is_kept_where_the_mask_is_opaque(disc_engine: Engine) -> None:
    picture = quarters(*SIZE).convert("RGBA")
    picture.putalpha(100)
    image = opened(run(disc_engine, saved(picture)))
    assert image.getpixel((90, 50)) == (*GREEN, 100)
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)


def test_smooth_equals_rembgs_post_processing(
    disc_engine: Engine, photo: bytes, mask: Image.Image
) -> None:
    alpha = opened(run(disc_engine, photo, edges="smooth")).getchannel("A")
    assert near(alpha, bg.post_process(np.asarray(mask)), 0)


def test_smoothing_in_strips_equals_smoothing_the_whole() -> None:
    rough = (noise(5_000, 900, 1)[..., 0] > 60).astype(np.uint8) * 255
    assert np.array_equal(_smooth(rough, Strips(2)), bg.post_process(rough))


def test_matting_equals_rembgs_matting(
    disc_engine: Engine, photo: bytes, pixels: np.ndarray, mask: Image.Image
) -> None:
    result = run(disc_engine, photo, edges="matting")
    expected = np.array(bg.alpha_matting_cutout(Image.fromarray(pixels), mask, 240, 10, 10))
    expected[expected[..., 3] == 0] = 0
    found = np.asarray(opened(result)).astype(int)
    # Enlarging the mask in strips may move a pixel across matting's thresholds.
    assert (np.abs(found - expected) > 4).mean() < 0.01
    assert result.warnings == ()


def test_decontamination_equals_rembgs(
    disc_engine: Engine, photo: bytes, pixels: np.ndarray, mask: Image.Image
) -> None:
    expected = np.array(bg.decontaminate_cutout(Image.fromarray(pixels), mask))
    expected[expected[..., 3] == 0] = 0
    found = np.asarray(opened(run(disc_engine, photo, edges="decontaminate"))).astype(int)
    assert np.abs(found - expected).mean() < 0.5


@pytest.mark.parametrize("edges", ["matting", "decontaminate"])
def test_large_photos_are_refined_on_a_reduced_copy(disc_engine: Engine, edges: str) -> None:
    """A yellow disc on blue: the edge loses its blue, and the middle is unchanged."""
    y, x = np.mgrid[-1:1:600j, -1:1:600j]
    soft = np.clip((0.7 - np.hypot(x, y)) * 10 + 0.5, 0, 1)[..., None]
    colours = np.rint(soft * (250, 220, 0) + (1 - soft) * (0, 0, 250)).astype(np.uint8)
    result = run(disc_engine, saved(Image.fromarray(colours)), edges=edges)
    assert [warning.code for warning in result.warnings] == ["edges_reduced"]
    found = np.asarray(opened(result)).astype(int)
    inside = found[..., 3] == 255
    assert inside.mean() > 0.18
    middle = np.hypot(x, y) < 0.45
    assert np.array_equal(found[middle][:, :3], colours[middle])
    edge = (found[..., 3] > 40) & (found[..., 3] < 215)
    assert edge.sum() > 500
    assert found[edge][:, 2].mean() < 0.5 * colours[edge][:, 2].mean()


def test_background_colour(disc_engine: Engine) -> None:
    """The photo is blended with the colour, without a dark fringe at the edge."""
    white = saved(Image.new("RGB", SIZE, (255, 255, 255)))
    assert near(
        opened(run(disc_engine, white, background="#FFFFFF")), np.full((120, 160, 3), 255), 1
    )
    image = opened(run(disc_engine, saved(quarters(*SIZE)), background="#102030"))
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (0x10, 0x20, 0x30)
    assert image.getpixel((90, 50)) == GREEN


def test_translucent_background(disc_engine: Engine) -> None:
    image = opened(run(disc_engine, saved(quarters(*SIZE)), background="#10203080"))
    assert image.getpixel((0, 0)) == (0x10, 0x20, 0x30, 0x80)
    assert image.getpixel((90, 50)) == (*GREEN, 255)


def test_background_behind_a_transparent_photo(disc_engine: Engine) -> None:
    photo = saved(Image.new("RGBA", (20, 20), (255, 0, 0, 0)))
    image = through(disc_engine, photo, background="#00FF00")
    assert image.getpixel((5, 5)) == (0, 255, 0)


def test_mask(disc_engine: Engine, photo: bytes, mask: Image.Image) -> None:
    image = opened(run(disc_engine, photo, edges="plain", output="mask"))
    assert image.mode == "L"
    assert near(image, mask, 1)


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg", "png"])
def test_output_formats(disc_engine: Engine, kind: str) -> None:
    photo = saved(quarters(*SIZE))
    background = "#FFFFFF" if kind == "jpeg" else None
    result = run(disc_engine, photo, format=kind, background=background)
    image = opened(result)
    assert image.format == kind.upper()
    assert result.extension == {"jpeg": ".jpg"}.get(kind, f".{kind}")
    assert image.mode == ("RGB" if kind == "jpeg" else "RGBA")
    assert near(image.convert("RGB").getpixel((90, 50)), GREEN, 4)
    assert image.convert("RGBA").getpixel((0, 0))[3] == (255 if kind == "jpeg" else 0)


def test_webp_cutouts_are_lossless(disc_engine: Engine, photo: bytes) -> None:
    png = np.asarray(opened(run(disc_engine, photo)))
    webp = np.asarray(opened(run(disc_engine, photo, format="webp")))
    visible = png[..., 3] > 0
    assert np.array_equal(png[visible], webp[visible])


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg"])
def test_quality(disc_engine: Engine, photo: bytes, kind: str) -> None:
    sizes = [
        len(run(disc_engine, photo, remove_bg=False, format=kind, quality=quality).data)
        for quality in (10, 90)
    ]
    assert sizes[0] * 2 < sizes[1]


def test_jpeg_of_a_transparent_photo_is_put_on_white(disc_engine: Engine) -> None:
    photo = saved(Image.new("RGBA", (32, 32), (255, 0, 0, 0)))
    result = run(disc_engine, photo, remove_bg=False, format="jpeg")
    assert near(opened(result), np.full((32, 32, 3), 255), 1)
    assert [warning.code for warning in result.warnings] == ["flattened"]


@pytest.mark.parametrize("kind", ["webp", "jpeg"])
def test_too_long_for_the_format(disc_engine: Engine, kind: str) -> None:
    photo = saved(Image.new("RGB", (66_000, 1)))
    with pytest.raises(FileError, match="result_too_large"):
        run(disc_engine, photo, remove_bg=False, format=kind)


def test_max_side(disc_engine: Engine) -> None:
    image = opened(run(disc_engine, saved(quarters(400, 300)), max_side=100))
    assert image.size == (100, 75)
    assert image.getpixel((60, 30)) == (*GREEN, 255)
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)


def test_max_side_never_enlarges(disc_engine: Engine, photo: bytes) -> None:
    assert opened(run(disc_engine, photo, max_side=4000)).size == SIZE


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5])
def test_trim(disc_engine: Engine, photo: bytes, margin: float) -> None:
    alpha = np.asarray(opened(run(disc_engine, photo)).getchannel("A"))
    rows, columns = np.nonzero((alpha >= 16).any(1))[0], np.nonzero((alpha >= 16).any(0))[0]
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    assert 20 < left < 30
    extra = round(margin * (right - left))
    trimmed = np.asarray(opened(run(disc_engine, photo, trim=True, margin=margin)).getchannel("A"))
    box = np.s_[max(0, top - extra) : bottom + extra, max(0, left - extra) : right + extra]
    assert np.array_equal(trimmed, alpha[box])


def test_trim_of_a_transparent_photo(disc_engine: Engine) -> None:
    picture = Image.new("RGBA", (60, 50), (0, 0, 0, 0))
    picture.paste((*GREEN, 255), (10, 20, 30, 45))
    image = opened(run(disc_engine, saved(picture), remove_bg=False, trim=True))
    assert (image.size, image.getpixel((0, 0))) == ((20, 25), (*GREEN, 255))


def test_nothing_to_trim_to(disc_engine: Engine, photo: bytes) -> None:
    result = run(disc_engine, photo, remove_bg=False, trim=True)
    assert [warning.code for warning in result.warnings] == ["no_subject"]
    assert opened(result).size == SIZE


def test_the_cutout_equals_rembgs(engine: Engine, models: object) -> None:
    """The real model on a real photo, whose size rembg and the engine must scale."""
    session = engine._tools.models.session("u2netp")
    picture = Image.fromarray(skimage.data.astronaut()).resize((1111, 777))
    photo = saved(picture, "JPEG", quality=92)
    theirs = np.asarray(Image.open(io.BytesIO(bytes(bg.remove(photo, session=session)))))
    ours = np.asarray(opened(run(engine, photo, edges="plain")))
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1
    assert difference[..., 3].mean() < 0.001
    assert 0.3 < (ours[..., 3] > 128).mean() < 0.7


def test_an_empty_mask_gives_a_transparent_result() -> None:
    """A mask of a single value, as a model may return for an empty image."""
    disc = Disc()
    disc.predict = lambda _image: [Image.new("L", (64, 64), 0)]  # type: ignore[method-assign]
    engine = Engine(OneModel(disc), Limits())  # type: ignore[arg-type]
    for edges in ("clean", "plain", "smooth", "matting", "decontaminate"):
        result = run(engine, saved(quarters(*SIZE)), edges=edges, trim=True)
        assert opened(result).getchannel("A").getextrema() == (0, 0)


def test_opencv_uses_one_thread(engine: Engine) -> None:
    assert cv2.getNumThreads() == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (9, 2), (3, 3)])
@pytest.mark.parametrize("edges", ["clean", "matting", "decontaminate"])
def test_tiny_photos_have_edges_too(disc_engine: Engine, size: tuple[int, int], edges: str) -> None:
    result = run(disc_engine, saved(Image.new("RGB", size, "red")), edges=edges)
    assert opened(result).size == size


def test_an_avif_that_could_not_be_opened_is_refused(engine: Engine) -> None:
    for side, allowed in ((32_768, True), (32_769, False)):
        photo = saved(Image.new("RGB", (side, 2)))
        if allowed:
            assert opened(run(engine, photo, remove_bg=False, format="avif")).width == side
        else:
            with pytest.raises(FileError, match="32,768 pixels") as caught:
                run(engine, photo, remove_bg=False, format="avif")
            assert caught.value.code == "result_too_large"


@pytest.mark.parametrize("side", [64, 320, 1024])
def test_the_model_sees_what_pillow_would_make_of_the_photo(side: int) -> None:
    """To the bit, whatever the size: Pillow chooses the order of its passes by their cost."""
    for width in (50, 200, 300, 320, 321, 405, 500, 641, 1000, 2300):
        for height in (50, 200, 319, 350, 405, 640, 1000, 1600):
            photo = Image.fromarray(noise(width, height, seed=width))
            ours = _scaled(photo, (side, side), Strips(2))
            theirs = photo.resize((side, side), Image.Resampling.LANCZOS)
            assert np.array_equal(np.asarray(ours), np.asarray(theirs)), (width, height)
