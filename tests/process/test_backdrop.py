"""Backgrounds that are pictures: the photo itself, blurred, and the deployment's own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from darkroom.errors import FileError
from functions.process.engine.blurring import blurred_background
from tests.process.pictures import near, noise, opened, quarters, run, saved
from tests.process.scenes import ORANGE, Scene, subject_of

GREEN = (40, 160, 60)


def test_the_subject_does_not_bleed_into_the_blurred_background() -> None:
    scene = Scene((600, 400), (200, 100, 400, 300), ground=GREEN)
    for blur in (1, 20, 100):
        image = scene.image(background={"blur": blur})
        assert (image.size, image.mode) == ((600, 400), "RGB")
        pixels = np.asarray(image)
        outside = np.ones((400, 600), bool)
        outside[98:302, 198:402] = False
        assert np.abs(pixels[outside].astype(int) - GREEN).max() <= 1
        assert np.abs(pixels[103:297, 203:397].astype(int) - ORANGE).max() <= 1


def test_a_plain_blur_would_bleed() -> None:
    """So the test above can fail."""
    scene = Scene((600, 400), (200, 100, 400, 300), ground=GREEN)
    bare = np.zeros((400, 600), np.uint8)
    bled = np.asarray(blurred_background(scene.photo, bare, 50).resize((600, 400))).astype(int)
    assert np.abs(bled[200, 190] - GREEN).max() > 30


def test_more_percent_blur_more() -> None:
    checks = Image.new("RGB", (800, 600), GREEN)
    draw = ImageDraw.Draw(checks)
    for column in range(0, 800, 80):
        draw.rectangle((column, 0, column + 39, 599), fill=(230, 230, 230))
    scene = Scene((800, 600), (300, 200, 500, 400))
    scene.photo = checks
    contrast = [
        float(np.asarray(scene.image(background={"blur": blur}))[50, :, 0].astype(float).std())
        for blur in (1, 10, 40, 100)
    ]
    assert contrast[0] > 0.9 * np.asarray(checks)[50, :, 0].astype(float).std()
    assert contrast == sorted(contrast, reverse=True)
    assert contrast[3] < 0.2 * contrast[0]


def test_the_brightness_of_the_background_stays() -> None:
    """No vignette at the border, no halo around the subject."""
    ramp = np.zeros((400, 600, 3), np.uint8)
    ramp[...] = np.linspace(40, 220, 600)[None, :, None]
    scene = Scene((600, 400), (250, 150, 350, 250))
    scene.photo = Image.fromarray(ramp)
    found = np.asarray(scene.image(background={"blur": 40})).astype(int)
    assert np.abs(found[:, 60:540].mean(axis=0) - ramp[0, 60:540]).max() < 14
    assert np.abs(found[0] - found[200])[100:200].max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 50), (17, 5)])
def test_tiny_photos_can_be_blurred(size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, GREEN)
    blurred = blurred_background(photo, np.zeros(size[::-1], np.uint8), 100)
    assert near(blurred, np.full((*blurred.size[::-1], 3), GREEN), 1)


def test_where_the_subject_covers_all_there_is_still_a_background() -> None:
    photo = Image.new("RGB", (50, 40), GREEN)
    blurred = blurred_background(photo, np.full((40, 50), 255, np.uint8), 50)
    assert near(blurred.getpixel((20, 20)), GREEN, 1)


def test_the_blurred_photo_covers_a_canvas() -> None:
    photo = Scene((600, 300), (250, 100, 350, 200), ground=GREEN)
    photo.photo.paste((200, 30, 200), (0, 0, 150, 300))  # the left quarter, which is cut off
    image = photo.image(background={"blur": 1}, canvas={"width": 200, "height": 200})
    assert image.size == (200, 200)
    assert near(image.getpixel((5, 5)), GREEN, 2)
    left, top, right, bottom = subject_of(image)
    assert (right - left, bottom - top) == (100, 100)


def test_a_background_image_covers_the_result() -> None:
    """Of a picture of 300 x 100, a square shows the middle third."""
    picture = Image.new("RGB", (300, 100), (0, 0, 200))
    picture.paste((200, 0, 0), (100, 0, 150, 100))
    picture.paste((0, 200, 0), (150, 0, 200, 100))
    scene = Scene((400, 400), (150, 150, 250, 250))
    image = scene.image(saved(picture), background={"image": "studio.png"})
    assert (image.size, image.mode) == ((400, 400), "RGB")
    assert near(image.getpixel((8, 20)), (200, 0, 0), 3)
    assert near(image.getpixel((391, 380)), (0, 200, 0), 3)
    assert near(image.getpixel((200, 200)), ORANGE, 1)
    tall = scene.image(
        saved(picture.rotate(90, expand=True)),
        background={"image": "studio.png"},
        canvas={"width": 200, "height": 100},
    )
    assert near(tall.getpixel((5, 30)), (0, 200, 0), 3)
    assert near(tall.getpixel((5, 70)), (200, 0, 0), 3)


def test_a_background_image_is_upright_and_in_strips_like_the_whole() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = saved(quarters(640, 480), "JPEG", exif=exif.tobytes(), quality=95)
    scene = Scene((480, 640), (0, 0, 0, 0))
    image = scene.image(picture, background={"image": "a.jpg"})
    turned = quarters(640, 480).rotate(-90, expand=True)
    for at in ((50, 50), (400, 50), (50, 600), (400, 600)):
        assert near(image.getpixel(at), turned.getpixel(at), 8)
    # No extremes: Pillow rounds and clips between its passes, whose order depends on the strip.
    rough = Image.fromarray(noise(300, 300, seed=2) // 2 + 64)
    whole = Scene((900, 900), (0, 0, 0, 0)).image(saved(rough), background={"image": "a.png"})
    expected = np.asarray(rough.resize((900, 900), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(np.asarray(whole).astype(int) - expected).max() <= 2


def test_a_transparent_background_image_lies_on_white() -> None:
    scene = Scene((40, 40), (0, 0, 0, 0))
    clear = saved(Image.new("RGBA", (10, 10), (0, 0, 0, 0)))
    assert scene.image(clear, background={"image": "a.png"}).getcolors() == [
        (1600, (255, 255, 255))
    ]


def test_a_background_image_gets_a_shadow() -> None:
    scene = Scene((400, 400), (150, 150, 250, 250))
    grey = saved(Image.new("RGB", (10, 10), (200, 200, 200)))
    image = scene.image(grey, background={"image": "a.png"}, shadow="contact")
    assert image.getpixel((200, 253))[0] < 160  # type: ignore[index]
    assert image.getpixel((200, 20)) == (200, 200, 200)


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (None, "background_not_found", "backgrounds/studio.png"),
        (b"no picture", "background_unusable", "not_a_photo"),
        (saved(Image.new("RGB", (8, 8)))[:40], "background_unusable", "damaged_photo"),
    ],
)
def test_a_background_that_cannot_be_used_fails_the_photo(
    data: bytes | None, code: str, says: str
) -> None:
    scene = Scene((40, 40), (10, 10, 30, 30))
    with pytest.raises(FileError) as caught:
        scene.result(data, background={"image": "studio.png"})
    assert caught.value.code == code
    assert says in caught.value.message
    assert "studio.png" in caught.value.message


def test_a_jpeg_may_have_a_picture_behind() -> None:
    scene = Scene((100, 80), (30, 20, 60, 60), ground=GREEN)
    result = scene.result(background={"blur": 30}, format="jpeg")
    assert (result.content_type, result.warnings) == ("image/jpeg", ())
    assert near(opened(result).getpixel((5, 5)), GREEN, 4)


def test_a_mask_has_no_background(disc_engine: object) -> None:
    image = opened(
        run(disc_engine, saved(quarters(64, 64)), output="mask", background="#FF0000")  # type: ignore[arg-type]
    )
    assert image.mode == "L"
