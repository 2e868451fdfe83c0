"""Placing a known subject on a canvas: size, position and fill, in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from darkroom.limits import Limits
from functions.process.engine import Engine
from tests.process.conftest import Disc
from tests.process.pictures import near, opened, run, saved
from tests.process.scenes import ORANGE, Box, Scene, box_of, subject_of

WHITE = "#FFFFFF"


@pytest.fixture
def scene() -> Scene:
    """A subject of 300 x 200 pixels in a photo of 600 x 400."""
    return Scene((600, 400), (200, 80, 500, 280))


def codes(result: Any) -> list[str]:
    return [warning.code for warning in result.warnings]


@pytest.mark.parametrize(
    ("canvas", "expected"),
    [
        ({"width": 400, "height": 400}, (50, 100, 350, 300)),
        ({"width": 400, "height": 400, "position": "bottom"}, (50, 170, 350, 370)),
        ({"width": 400, "height": 400, "position": {"x": 0, "y": 0}}, (0, 0, 300, 200)),
        ({"width": 400, "height": 400, "position": {"x": 1, "y": 1}}, (100, 200, 400, 400)),
        ({"width": 200, "height": 200}, (15, 43, 185, 156)),
        ({"width": 200, "height": 100, "fill": 1}, (25, 0, 175, 100)),
        ({"width": 1000, "height": 500, "upscale": True}, (181, 37, 818, 462)),
    ],
)
def test_the_subject_stands_where_the_canvas_says(
    scene: Scene, canvas: dict[str, Any], expected: Box
) -> None:
    image = scene.image(canvas=canvas, background=WHITE)
    assert image.size == (canvas["width"], canvas["height"])
    assert np.abs(np.subtract(subject_of(image), expected)).max() <= 1
    corners = {image.getpixel((0, 0)), image.getpixel((image.width - 1, 0))}
    assert corners <= {(255, 255, 255), ORANGE}


@pytest.mark.parametrize("fill", [0.3, 0.5, 0.85, 1.0])
@pytest.mark.parametrize("size", [(250, 250), (300, 150), (90, 200)])
def test_the_subject_fills_its_part_of_the_tighter_side(
    scene: Scene, fill: float, size: tuple[int, int]
) -> None:
    canvas = {"width": size[0], "height": size[1], "fill": fill, "upscale": True}
    left, top, right, bottom = subject_of(scene.image(canvas=canvas, background=WHITE))
    wanted = min(fill * size[0] / 300, fill * size[1] / 200)
    assert abs(right - left - 300 * wanted) <= 1
    assert abs(bottom - top - 200 * wanted) <= 1
    assert abs(left + right - size[0]) <= 2
    assert abs(top + bottom - size[1]) <= 2


def test_a_subject_is_never_enlarged_unasked(scene: Scene) -> None:
    result = scene.result(canvas={"width": 2000, "height": 1000}, background=WHITE)
    left, top, right, bottom = subject_of(opened(result))
    assert (right - left, bottom - top) == (300, 200)
    assert codes(result) == ["subject_too_small"]
    assert "4.2 times" in result.warnings[0].message
    asked = scene.result(canvas={"width": 800, "height": 800, "upscale": True}, background=WHITE)
    assert codes(asked) == []


@pytest.mark.parametrize(
    ("canvas", "size"),
    [
        ({"aspect": "1:1"}, (353, 353)),
        ({"aspect": "4:5", "fill": 1}, (300, 375)),
        ({"aspect": "3:1", "fill": 0.5}, (1200, 400)),
    ],
)
def test_an_aspect_gives_the_smallest_canvas(
    scene: Scene, canvas: dict[str, Any], size: tuple[int, int]
) -> None:
    """The subject keeps its pixels, unchanged by any filter."""
    image = scene.image(canvas=canvas, background=WHITE)
    assert image.size == size
    left, top, right, bottom = subject_of(image)
    assert (right - left, bottom - top) == (300, 200)
    assert np.array_equal(
        np.asarray(image.crop((left, top, right, bottom))), np.full((200, 300, 3), ORANGE)
    )


def test_max_side_limits_a_canvas_of_an_aspect(scene: Scene) -> None:
    image = scene.image(canvas={"aspect": "1:1"}, max_side=100, background=WHITE)
    assert image.size == (100, 100)
    assert np.abs(np.subtract(subject_of(image), (7, 22, 93, 78))).max() <= 1


def test_a_canvas_has_no_more_pixels_than_a_photo_may_have() -> None:
    scene = Scene((600, 400), (200, 80, 500, 280), Limits(photo_pixels=240_000))
    image = scene.image(canvas={"aspect": "1:3"}, background=WHITE)
    assert image.width * image.height <= 240_000
    assert abs(image.height - 3 * image.width) <= 3
    left, _, right, _ = subject_of(image)
    assert abs(right - left - 0.85 * image.width) <= 1


@pytest.mark.parametrize("edges", ["clean", "plain", "smooth", "decontaminate"])
def test_a_cutout_on_a_canvas_stays_transparent_around(scene: Scene, edges: str) -> None:
    image = scene.image(canvas={"width": 200, "height": 200}, edges=edges)
    assert image.mode == "RGBA"
    pixels = np.asarray(image)
    assert np.abs(np.subtract(box_of(pixels[..., 3]), (15, 43, 185, 156))).max() <= 2
    assert pixels[:30].max() == 0
    assert np.abs(pixels[100, 100].astype(int) - (*ORANGE, 255)).max() <= 2


def test_clean_edges_keep_the_subjects_colour_on_a_canvas(disc_engine: Engine) -> None:
    """A yellow disc on blue: the soft edge has no blue, although the canvas moved and shrank it."""
    y, x = np.mgrid[-1:1:600j, -1:1:600j]
    soft = np.clip((0.7 - np.hypot(x, y)) * 2000 / 255, 0, 1)[..., None]
    photo = saved(
        Image.fromarray(np.rint(soft * (250, 220, 0) + (1 - soft) * (0, 0, 250)).astype(np.uint8))
    )
    canvas = {"width": 300, "height": 500}
    found = np.asarray(opened(run(disc_engine, photo, canvas=canvas))).astype(int)
    edge = (found[..., 3] > 60) & (found[..., 3] < 200)
    assert edge.sum() > 100
    assert found[edge][:, 2].mean() < 60
    plain = np.asarray(opened(run(disc_engine, photo, canvas=canvas, edges="plain"))).astype(int)
    assert plain[edge][:, :3].sum() < found[edge][:, :3].sum()  # as rembg darkens it


def test_a_transparent_photo_on_a_canvas(disc_engine: Engine, disc: Disc) -> None:
    picture = Image.new("RGBA", (200, 200), (*ORANGE, 100))
    image = opened(run(disc_engine, saved(picture), canvas={"width": 100, "height": 100}))
    assert near(image.getpixel((50, 50)), (*ORANGE, 100), 1)
    assert image.getpixel((2, 2)) == (0, 0, 0, 0)


def test_without_a_subject_the_canvas_is_empty() -> None:
    scene = Scene((60, 40), (0, 0, 0, 0))
    result = scene.result(canvas={"width": 100, "height": 50}, background=WHITE)
    assert codes(result)[0] == "no_subject"
    assert opened(result).getcolors() == [(5000, (255, 255, 255))]


@pytest.mark.parametrize(
    ("box", "edges"), [((100, 200, 400, 400), "bottom"), ((0, 100, 600, 200), "right, left")]
)
def test_a_subject_that_the_photo_cuts_off_is_named(box: Box, edges: str) -> None:
    result = Scene((600, 400), box).result(canvas={"width": 300, "height": 300})
    assert codes(result) == ["subject_cut_off"]
    assert f"({edges})" in result.warnings[0].message


def test_a_canvas_of_a_large_photo_needs_no_second_copy_of_it() -> None:
    """Strips give the same pixels, however many there are."""
    noise = np.random.default_rng(1).integers(0, 256, (400, 600, 3), np.uint8)
    scene = Scene((600, 400), (200, 80, 500, 280))
    scene.photo = Image.fromarray(noise)
    options = {"canvas": {"width": 201, "height": 187}, "background": WHITE}
    whole = np.asarray(scene.image(**options))
    expected = scene.photo.resize((171, 114), Image.Resampling.LANCZOS, box=(200, 80, 500, 280))
    found = whole[36:150, 15:186]
    assert np.abs(found[2:-2, 2:-2].astype(int) - np.asarray(expected)[2:-2, 2:-2]).max() <= 1
