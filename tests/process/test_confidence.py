"""What the confidence says of a mask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.confidence import REASONS
from functions.process.engine import Engine
from functions.process.engine.judging import Confidence, judge
from tests.process.pictures import noise, run, saved


def judged(alpha: np.ndarray, **faces: bool) -> Confidence:
    found = judge(Image.fromarray(np.asarray(alpha, np.uint8)), **faces)
    assert found is not None
    assert set(found.reasons) <= set(REASONS)
    assert 0 <= found.score <= 1
    return found


def disc(*discs: tuple[int, int, int], side: int = 320, blur: float = 0.6) -> np.ndarray:
    """Discs (x, y, radius) with an edge that is blurred by so many pixels."""
    canvas = np.zeros((side, side), np.uint8)
    for x, y, radius in discs:
        cv2.circle(canvas, (x, y), radius, 255, -1)
    return cv2.GaussianBlur(canvas, (0, 0), blur)


def test_a_crisp_subject_can_be_trusted() -> None:
    found = judged(disc((160, 160, 90)))
    assert found.score > 0.85
    assert found.reasons == ()


def test_the_score_falls_with_the_width_of_the_edge() -> None:
    scores = [judged(disc((160, 160, 90), blur=blur)).score for blur in (0.6, 1.5, 3, 6, 12)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.85
    assert scores[-1] < 0.2
    assert judged(disc((160, 160, 90), blur=6)).reasons == ("uncertain_edges",)


def test_the_size_of_the_mask_does_not_matter() -> None:
    small = judged(disc((160, 160, 90))).score
    large = judged(disc((512, 512, 288), side=1024, blur=2)).score
    assert abs(small - large) < 0.1


@pytest.mark.parametrize(
    ("alpha", "reason"),
    [
        (np.zeros((320, 320)), "nothing_found"),
        (np.full((320, 320), 90), "nothing_found"),
        (disc((80, 160, 50), (240, 160, 40)), "several_subjects"),
        (disc((0, 160, 60)), "cut_by_border"),
        (disc((160, 160, 8)), "very_small"),
        (cv2.line(np.zeros((320, 320), np.uint8), (40, 40), (280, 250), 255, 3), "very_thin"),
    ],
)
def test_each_shape_has_its_reason(alpha: np.ndarray, reason: str) -> None:
    assert reason in judged(alpha).reasons


def test_a_small_second_part_is_no_second_subject() -> None:
    assert "several_subjects" not in judged(disc((120, 160, 80), (280, 160, 15))).reasons


def test_faces() -> None:
    plain = disc((160, 160, 90))
    assert judged(plain, face_missing=True).reasons == ("no_face",)
    assert judged(plain, face_missing=True).score < 0.5
    assert judge(None) is None
    assert judge(None, face_unsure=True) == Confidence(0.6, ("unsure_face",))


def test_the_engine_judges_what_it_did(disc_engine: Engine) -> None:
    photo = saved(Image.fromarray(noise(200, 150)))
    assert run(disc_engine, photo, remove_bg=False).confidence is None
    cut = run(disc_engine, photo).confidence
    assert cut is not None
    assert cut.score > 0  # the stub's mask has 64 pixels, so its edge is wide
    missing = run(disc_engine, photo, crop_face=True).confidence
    assert missing is not None
    assert "no_face" in missing.reasons
    assert missing.score < cut.score
