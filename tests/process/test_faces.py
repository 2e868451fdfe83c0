"""Face detection in a real photo, and the geometry of crops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import FileError
from functions.process.engine import Engine
from functions.process.engine.faces import Detector, Face
from functions.process.engine.geometry import Box, Rect, face_crop, union
from tests.process.pictures import near, noise, opened, quarters, run, saved

# The face in `skimage.data.astronaut()` from hairline to chin, in pixels, measured by eye.
FACE = Rect(170, 65, 95, 125)


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    return Image.fromarray(skimage.data.astronaut())


def overlap(first: Rect, second: Rect) -> float:
    """Intersection over union."""
    width = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    height = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    common = max(0.0, width) * max(0.0, height)
    return common / (first.width * first.height + second.width * second.height - common)


@pytest.mark.parametrize("scale", [0.5, 1, 3, 8])
def test_a_face_is_found_at_any_size(astronaut: Image.Image, scale: float) -> None:
    side = round(512 * scale)
    faces = Detector().faces(astronaut.resize((side, side)))
    assert len(faces) == 1
    assert overlap(Rect(*(value / scale for value in faces[0].box)), FACE) > 0.6


def test_small_faces_are_found_at_the_second_size(astronaut: Image.Image) -> None:
    crowd = Image.new("RGB", (4800, 3600), (90, 110, 100))
    small = astronaut.crop((100, 0, 350, 300)).resize((150, 180))
    crowd.paste(small, (600, 500))
    crowd.paste(small, (3200, 2400))
    assert len(Detector().faces(crowd)) == 2


def test_the_crop_contains_the_face(engine: Engine, astronaut: Image.Image) -> None:
    photo = saved(astronaut)
    result = run(engine, photo, remove_bg=False, crop_face=True, face={"padding": 0.5})
    image = opened(result)
    assert result.faces == 1
    assert image.size == (result.width, result.height)
    assert 150 < image.width < 220
    # The crop is a region of the photo, pixel for pixel, and contains the face.
    whole, part = np.asarray(astronaut), np.asarray(image)
    score = cv2.matchTemplate(whole, part, cv2.TM_SQDIFF)
    _, _, (left, top), _ = cv2.minMaxLoc(score)
    assert near(whole[top : top + image.height, left : left + image.width], part, 0)
    middle = left + image.width / 2, top + image.height / 2
    assert abs(middle[0] - 217) < 15
    assert abs(middle[1] - 128) < 20


def test_the_crop_is_cut_from_the_cutout(engine: Engine, astronaut: Image.Image) -> None:
    photo = saved(astronaut)
    whole = np.asarray(opened(run(engine, photo)))
    part = np.asarray(opened(run(engine, photo, crop_face=True)))
    score = cv2.matchTemplate(whole[..., :3], part[..., :3], cv2.TM_SQDIFF)
    _, _, (left, top), _ = cv2.minMaxLoc(score)
    assert near(whole[top : top + part.shape[0], left : left + part.shape[1]], part, 1)


def test_no_face(engine: Engine) -> None:
    photo = saved(quarters(200, 150))
    result = run(engine, photo, remove_bg=False, crop_face=True)
    assert near(opened(result), quarters(200, 150), 0)
    assert result.faces == 0
    assert [warning.code for warning in result.warnings] == ["no_face"]
    with pytest.raises(FileError, match="no_face"):
        run(engine, photo, remove_bg=False, crop_face=True, face={"on_missing": "fail"})


def test_all_faces_or_the_largest(engine: Engine, astronaut: Image.Image) -> None:
    pair = Image.new("RGB", (1200, 520), (90, 110, 100))
    pair.paste(astronaut.crop((60, 0, 400, 400)), (50, 50))
    pair.paste(astronaut.crop((60, 0, 400, 400)).resize((255, 300)), (800, 100))
    photo = saved(pair)
    options = {"remove_bg": False, "crop_face": True}
    one = run(engine, photo, **options)
    both = run(engine, photo, **options, face={"which": "all"})
    assert (one.faces, both.faces) == (2, 2)
    assert one.width < 250
    assert both.width > 700


@pytest.mark.parametrize("degrees", [-20, 15])
def test_alignment_levels_the_eyes(engine: Engine, astronaut: Image.Image, degrees: int) -> None:
    tilted = astronaut.rotate(degrees, Image.Resampling.BICUBIC, center=(217, 128))
    options = {"remove_bg": False, "crop_face": True}
    angles = {}
    for align in (False, True):
        face = {"align": align, "padding": 1.0}
        image = opened(run(engine, saved(tilted), **options, face=face))
        detector = Detector()
        angles[align] = detector.tilt(image, detector.faces(image)[0].box) or 0.0
    assert abs(angles[False] + degrees) < 6
    assert abs(angles[True]) < 3


def test_an_aligned_cutout_is_transparent_outside_the_border(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Detector, "faces", lambda *_: (Face(Rect(0, 0, 60, 60), 0.9),))
    monkeypatch.setattr(Detector, "tilt", lambda *_: 30.0)
    picture = saved(Image.new("RGB", (60, 60), (200, 100, 50)))
    face = {"align": True, "padding": 0.0}
    plain = opened(run(engine, picture, remove_bg=False, crop_face=True, face=face))
    assert near(plain, np.full((60, 60, 3), (200, 100, 50)), 1)
    alpha = np.asarray(opened(run(engine, picture, crop_face=True, face=face)).getchannel("A"))
    assert (alpha[0, 0], alpha[-1, -1], alpha[0, -1]) == (0, 0, 0)


def test_geometry_of_the_crop() -> None:
    size = (1000, 800)
    face = Rect(400, 300, 100, 200)
    assert face_crop(face, 0, None, size) == Box(400, 300, 500, 500)
    assert face_crop(face, 0.5, None, size) == Box(350, 200, 550, 600)
    assert face_crop(face, 0, "1:1", size) == Box(350, 300, 550, 500)
    assert face_crop(face, 0, "2:1", size) == Box(250, 300, 650, 500)
    # At the border: cut off without an aspect, moved inside with one.
    corner = face._replace(left=0, top=0)
    assert face_crop(corner, 0.5, None, size) == Box(0, 0, 150, 300)
    assert face_crop(corner, 0.5, "1:1", size) == Box(0, 0, 400, 400)
    # Larger than the image: shrunk to fit.
    assert face_crop(face, 3, "1:1", size) == Box(50, 0, 850, 800)


def test_union() -> None:
    assert union([Rect(10, 20, 5, 5), Rect(0, 30, 12, 9)]) == Rect(0, 20, 15, 19)


@given(
    face=st.builds(
        Rect,
        st.floats(-500, 3000),
        st.floats(-500, 3000),
        st.floats(0.1, 3000),
        st.floats(0.1, 3000),
    ),
    padding=st.floats(0, 3),
    aspect=st.sampled_from([None, "1:1", "4:5", "16:9", "9999:1", "1:9999"]),
    picture=st.tuples(st.integers(1, 2500), st.integers(1, 2500)),
)
def test_the_crop_lies_within_the_image(
    face: Rect, padding: float, aspect: str | None, picture: tuple[int, int]
) -> None:
    box = face_crop(face, padding, aspect, picture)
    assert 0 <= box.left < box.right <= picture[0]
    assert 0 <= box.top < box.bottom <= picture[1]


def test_thin_images_have_no_faces() -> None:
    assert Detector().faces(Image.fromarray(noise(4000, 20))) == ()


# ---- how sure the detector is


class Yunet:
    """Stands in for YuNet: finds one face in the middle, with this score."""

    def __init__(self, score: float) -> None:
        self.score = score

    def detect(self, pixels: np.ndarray, *, details: bool) -> np.ndarray:
        height, width = pixels.shape[:2]
        landmarks = [width / 2, height / 2] * 5
        return np.array([[width / 4, height / 4, width / 2, height / 2, *landmarks, self.score]])


@pytest.mark.parametrize(("score", "codes"), [(0.81, ["unsure_face"]), (0.88, [])])
def test_a_face_that_may_be_none_is_cropped_to_with_a_warning(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, score: float, codes: list[str]
) -> None:
    monkeypatch.setattr(engine._tools.detector, "_yunet", Yunet(score))
    result = run(engine, saved(Image.new("RGB", (200, 100))), remove_bg=False, crop_face=True)
    assert (result.faces, result.face_score) == (1, score)
    assert [warning.code for warning in result.warnings] == codes
    assert result.width < 200


@pytest.mark.parametrize(("score", "found"), [(0.79, 0), (0.81, 1)])
def test_what_scores_lower_than_faces_is_none(
    monkeypatch: pytest.MonkeyPatch, score: float, found: int
) -> None:
    detector = Detector()
    monkeypatch.setattr(detector, "_yunet", Yunet(score))
    assert len(detector.faces(Image.new("RGB", (640, 480)))) == found


def test_a_tiny_face_is_scored_on_a_close_up(astronaut: Image.Image) -> None:
    """In the copy it has 12 pixels, and YuNet gives it 0.79; closer, it is sure."""
    photo = Image.new("RGB", (1280, 960), (90, 110, 100))
    photo.paste(astronaut.crop((100, 0, 350, 300)).resize((40, 48)), (300, 300))
    [face] = Detector().faces(photo)
    assert face.score > 0.88
