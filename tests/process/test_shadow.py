"""Shadows: under the subject, soft, and never over it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.process.scenes import ORANGE, Scene, subject_of

CANVAS = {"width": 400, "height": 400, "fill": 0.6}
KINDS = ["contact", "drop"]


@pytest.fixture
def scene() -> Scene:
    return Scene((600, 600), (200, 200, 440, 400))


def darkness(image: Image.Image) -> np.ndarray:
    """How much darker than white each pixel is; zero within the subject."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    left, top, right, bottom = subject_of(image)
    dark = 255 - pixels.min(axis=2)
    dark[top - 1 : bottom + 1, left - 1 : right + 1] = 0
    return dark


def on_white(scene: Scene, shadow: object, **options: object) -> Image.Image:
    return scene.image(shadow=shadow, background="#FFFFFF", canvas=CANVAS, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_the_subject_is_unchanged(scene: Scene, kind: str) -> None:
    with_shadow, without = on_white(scene, kind), on_white(scene, "none")
    box = subject_of(without)
    assert subject_of(with_shadow) == box
    inner = (box[0] + 2, box[1] + 2, box[2] - 2, box[3] - 2)
    assert np.array_equal(np.asarray(with_shadow.crop(inner)), np.asarray(without.crop(inner)))
    assert with_shadow.size == without.size
    assert darkness(without).max() == 0


def test_a_contact_shadow_lies_under_the_lowest_pixels(scene: Scene) -> None:
    image = on_white(scene, "contact")
    left, top, right, bottom = subject_of(image)
    dark = darkness(image)
    below = dark[bottom + 1 :, left:right]
    assert below.max() > 60
    assert below.sum() > 0.8 * dark.sum()
    assert dark[: (top + bottom) // 2].max() == 0  # nothing beside the upper half
    column = dark[bottom + 1 :, (left + right) // 2]
    assert (np.diff(column[6:]) <= 0).all()  # it fades downwards
    assert np.abs(np.diff(dark[bottom + 1 :], axis=0)).max() < 40  # softly
    assert column[-1] == 0


def test_a_contact_shadow_is_only_where_the_subject_touches_the_ground() -> None:
    """A table: shadows under its legs, and none under its top."""
    scene = Scene((600, 600), (100, 150, 500, 200))
    legs = [(110, 200, 140, 400), (460, 200, 490, 400)]
    for leg in legs:
        scene.photo.paste(ORANGE, leg)
        scene.engine._tools.models._session.mask.paste(255, leg)  # type: ignore[attr-defined]
    dark = darkness_of_table(scene)
    assert dark[402:412, 110:140].mean() > 25
    assert dark[402:412, 460:490].mean() > 25
    assert dark[402:412, 250:350].max() <= 3
    assert dark[205:300, 200:400].max() == 0


def darkness_of_table(scene: Scene) -> np.ndarray:
    image = scene.image(shadow="contact", background="#FFFFFF")
    return 255 - np.asarray(image).astype(int).min(axis=2)


def test_a_drop_shadow_lies_below_and_to_the_right(scene: Scene) -> None:
    image = on_white(scene, "drop")
    left, top, right, bottom = subject_of(image)
    dark = darkness(image)
    middle = (left + right) // 2, (top + bottom) // 2
    assert dark[bottom + 2, middle[0]] > 40
    assert dark[middle[1], right + 2] > 30
    assert dark[bottom + 2, middle[0]] > 2 * dark[top - 3, middle[0]]
    assert dark[middle[1], right + 2] > dark[middle[1], left - 3]


@pytest.mark.parametrize("kind", KINDS)
def test_strength_and_softness(scene: Scene, kind: str) -> None:
    weak, strong, soft, sharp = (
        darkness(on_white(scene, {"kind": kind, "strength": strength, "softness": softness}))
        for strength, softness in ((0.2, 0.5), (0.8, 0.5), (0.5, 1.0), (0.5, 0.0))
    )
    assert 3.4 < strong.sum() / weak.sum() < 4.6
    assert (soft > 2).sum() > 2 * (sharp > 2).sum()
    none = darkness(on_white(scene, {"kind": kind, "strength": 0}))
    assert none.max() == 0


@pytest.mark.parametrize("edges", ["clean", "plain", "decontaminate"])
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_transparent_background_the_shadow_is_black_with_alpha(
    scene: Scene, kind: str, edges: str
) -> None:
    image = scene.image(shadow=kind, canvas=CANVAS, edges=edges)
    assert image.mode == "RGBA"
    pixels = np.asarray(image).astype(int)
    left, _, right, bottom = subject_of(image)
    shadow = pixels[bottom + 3, (left + right) // 2]
    assert shadow[:3].tolist() == [0, 0, 0]
    assert 30 < shadow[3] < 200
    white = Image.new("RGBA", image.size, "#FFFFFF")
    flat = np.asarray(Image.alpha_composite(white, image).convert("RGB")).astype(int)
    expected = np.asarray(on_white(scene, kind, edges=edges)).astype(int)
    away = np.ones(flat.shape[:2], bool)
    left, top, right, bottom = subject_of(image)
    away[top - 3 : bottom + 3, left - 3 : right + 3] = False
    assert np.abs(flat - expected)[away].max() <= 2


def test_the_shadow_of_a_large_photo_equals_that_of_a_small_one() -> None:
    """It is drawn on a small copy, and depends on the subject's size alone."""
    small = Scene((500, 500), (150, 150, 350, 350)).image(shadow="contact", background="#FFFFFF")
    large = Scene((3000, 3000), (900, 900, 2100, 2100)).image(
        shadow="contact", background="#FFFFFF"
    )
    reduced = np.asarray(large.resize((500, 500), Image.Resampling.BOX)).astype(int)
    difference = np.abs(reduced - np.asarray(small).astype(int))
    assert difference[353:].max() <= 6


def test_the_shadow_of_nothing(scene: Scene) -> None:
    empty = Scene((60, 40), (0, 0, 0, 0))
    assert empty.image(shadow="contact", background="#FFFFFF").getcolors() == [
        (2400, (255, 255, 255))
    ]
