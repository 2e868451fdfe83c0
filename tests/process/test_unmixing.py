"""Clean edges: half-transparent pixels have the subject's own colour."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.options import Options
from functions.process.engine import Engine
from functions.process.engine.unmixing import EdgeColours, edge_colours, shift, stretch
from tests.process.conftest import Disc
from tests.process.pictures import noise, opened, run, saved

YELLOW, BLUE = (250, 220, 20), (10, 20, 240)
SIDE = 600


def disc_alpha(side: int, soft: float = 0.1) -> np.ndarray:
    """The alpha of a disc whose edge is so wide, in parts of the side."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return np.asarray(np.clip((0.7 - np.hypot(x, y)) / (2 * soft) + 0.5, 0, 1) * 255, np.uint8)


def composite(alpha: np.ndarray, subject: Any, background: Any) -> np.ndarray:
    share = alpha[..., None] / 255
    return np.rint(share * np.asarray(subject) + (1 - share) * np.asarray(background)).astype(
        np.uint8
    )


def mixed(alpha: np.ndarray) -> np.ndarray:
    return (alpha > 20) & (alpha < 235)


def test_the_colours_of_a_plain_subject_on_a_plain_background_are_found() -> None:
    alpha = disc_alpha(200)
    photo = composite(alpha, YELLOW, BLUE)
    found = edge_colours(photo, alpha, (200, 200)).subject_at(photo, alpha, 0, 0)
    assert np.abs(found[mixed(alpha)].astype(int) - YELLOW).max() <= 6
    assert np.array_equal(found[alpha == 255], photo[alpha == 255])


def test_the_subject_on_another_background_has_a_third_of_the_error_of_plain_edges() -> None:
    """With a texture in both, which no single colour explains."""
    alpha = disc_alpha(300, 0.08)
    blurred = [cv2.GaussianBlur(noise(300, 300, seed=seed), (0, 0), 6) for seed in (1, 2)]
    subject = np.clip(blurred[0] + np.array([90, 60, -60]), 0, 255)
    background = np.clip(blurred[1] + np.array([-90, 0, 60]), 0, 255)
    photo = composite(alpha, subject, background)
    found = edge_colours(photo, alpha, (300, 300)).subject_at(photo, alpha, 0, 0)
    share = alpha[..., None] / 255
    edge = mixed(alpha)
    for colour in ((255, 255, 255), (0, 0, 0), (0, 255, 0)):
        rest = (1 - share) * np.asarray(colour)
        truth = share * subject + rest
        ours, plain = share * found + rest, share * (share * photo) + rest
        error, dark = (np.abs(each - truth)[edge].mean() for each in (ours, plain))
        assert error < dark / 3


def test_a_part_has_the_same_colours_as_the_whole() -> None:
    """The result is composed strip by strip."""
    alpha = disc_alpha(400)
    photo = composite(alpha, noise(400, 400, seed=3), BLUE)
    small = cv2.resize(photo, (64, 64), interpolation=cv2.INTER_AREA)
    colours = edge_colours(small, disc_alpha(64), (400, 400))
    whole = colours.subject_at(photo, alpha, 0, 0)
    part = colours.subject_at(photo[90:140, 30:300], alpha[90:140, 30:300], 30, 90)
    assert np.abs(part.astype(int) - whole[90:140, 30:300]).max() <= 1


def test_colours_move_with_a_cropped_and_resized_photo() -> None:
    """A colour that grows from left to right stays where it was."""
    ramp = np.tile(np.arange(200, dtype=np.uint8)[:, None], (200, 1, 3))
    alpha = np.full((200, 200), 128, np.uint8)
    moved = edge_colours(ramp, alpha, (200, 200)).moved(shift(50, 20)).moved(stretch(2, 2))
    crop = ramp[20:, 50:]
    shrunk = cv2.resize(crop, (75, 90), interpolation=cv2.INTER_AREA)
    found = moved.subject_at(shrunk, np.full((90, 75), 128, np.uint8), 0, 0)
    assert np.abs(found.astype(int) - shrunk).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (300, 2)])
def test_photos_of_any_shape(size: tuple[int, int]) -> None:
    photo = np.full((size[1], size[0], 3), 90, np.uint8)
    alpha = np.full((size[1], size[0]), 128, np.uint8)
    found = edge_colours(photo, alpha, size).subject_at(photo, alpha, 0, 0)
    assert np.abs(found.astype(int) - 90).max() <= 1


def yellow_disc() -> bytes:
    """A photo whose true alpha is the stub model's mask."""
    mask = (
        Disc().predict(Image.new("RGB", (64, 64)))[0].resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    )
    return saved(Image.fromarray(composite(np.asarray(mask), YELLOW, BLUE)))


CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "trim": {"trim": True, "margin": 0.1},
    "smaller": {"max_side": 250},
    "trimmed and smaller": {"trim": True, "max_side": 250},
    "webp": {"format": "webp"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_edge_has_the_colour_of_the_subject_alone(disc_engine: Engine, change: str) -> None:
    found = np.asarray(opened(run(disc_engine, yellow_disc(), **CHANGES[change]))).astype(int)
    edge = mixed(found[..., 3])
    assert edge.sum() > 500
    assert np.abs(found[edge][:, :3] - YELLOW).mean() < 12
    assert (found[found[..., 3] == 0] == 0).all(), "removed pixels are zero"


@pytest.mark.parametrize("change", ["nothing", "trimmed and smaller"])
def test_on_a_colour_nothing_of_the_old_background_shines_through(
    disc_engine: Engine, change: str
) -> None:
    """Between yellow and white, blue never falls below yellow's; plain edges turn blue there."""
    white = {"background": "#FFFFFF", **CHANGES[change]}
    found = np.asarray(opened(run(disc_engine, yellow_disc(), **white))).astype(int)
    plain = np.asarray(opened(run(disc_engine, yellow_disc(), edges="plain", **white))).astype(int)
    assert found[..., 0].min() > 235
    assert plain[..., 0].min() < 200
    edge = (found[..., 2] > 60) & (found[..., 2] < 215)
    assert np.abs(found[edge][:, 0] - 252).mean() < 6


def test_a_transparent_photo_keeps_its_own_transparency(disc_engine: Engine) -> None:
    photo = Image.open(io.BytesIO(yellow_disc())).convert("RGBA")
    photo.putalpha(Image.fromarray(np.full((SIDE, SIDE), 128, np.uint8)))
    found = np.asarray(opened(run(disc_engine, saved(photo)))).astype(int)
    assert abs(int(found[SIDE // 2, SIDE // 2, 3]) - 128) <= 1
    edge = (found[..., 3] > 20) & (found[..., 3] < 115)
    assert np.abs(found[edge][:, :3] - YELLOW).mean() < 12


def test_haze_and_pinholes_of_the_model_are_gone(
    disc_engine: Engine, disc: Disc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alpha of 3 becomes 0, one of 252 becomes 255; plain edges keep both."""
    values = np.repeat(np.array([3, 252], np.uint8), 32)
    mask = Image.fromarray(np.tile(values, (64, 1)))
    monkeypatch.setattr(disc, "predict", lambda _photo: [mask])
    photo = saved(Image.fromarray(noise(64, 64)))
    for edges, expected in (("clean", [0, 255]), ("plain", [3, 252])):
        alpha = np.asarray(opened(run(disc_engine, photo, edges=edges)).getchannel("A"))
        assert [alpha[0, 5], alpha[0, 60]] == expected


def test_jobs_stored_with_plain_edges_keep_them() -> None:
    stored = Options(edges="plain").model_dump_json()
    assert Options.model_validate_json(stored).edges == "plain"
    assert Options().edges == "clean"


def test_a_photo_of_a_million_pixels_in_a_row_is_separated_in_pieces(
    disc_engine: Engine, disc: Disc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is mixed. In floats, at once, it would take over a hundred bytes a pixel."""
    mask = Image.new("L", (64, 64), 128)
    monkeypatch.setattr(disc, "predict", lambda _photo: [mask])
    widths: list[int] = []
    separate = EdgeColours.subject_at

    def recorded(colours: EdgeColours, pixels: np.ndarray, *more: Any) -> np.ndarray:
        widths.append(pixels.shape[1])
        return separate(colours, pixels, *more)

    monkeypatch.setattr(EdgeColours, "subject_at", recorded)
    photo = saved(Image.new("RGB", (1_000_000, 1), YELLOW))
    assert run(disc_engine, photo).width == 1_000_000
    assert sum(widths) == 1_000_000
    assert max(widths) <= 8192
