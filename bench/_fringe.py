"""The error of clean edges on known composites, and what they cost."""

from __future__ import annotations

import time
from collections import defaultdict
from importlib import import_module
from statistics import mean, median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench._mattes import MASK_SIDE, Scene, scenes
from bench._pictures import PHOTOS, load, photo
from bench._report import Figure
from darkroom.options import Options
from functions.process.engine import Engine
from functions.process.engine.unmixing import edge_colours
from functions.process.models import Models
from functions.process.warm_rembg import post_processing

SIDE = 800
SEEDS = range(100, 106)
"""None of them was used to choose the estimator's constants."""
BACKDROPS = ((255, 255, 255), (0, 0, 0), (0, 255, 0))
MEGAPIXELS = 12
ROUNDS = 7


def figures() -> list[Figure]:
    return [*_errors(), *_cost("u2net"), *_cost("u2netp")]


def _errors() -> list[Figure]:
    """Compare clean edges, plain ones and pymatting's multi-level estimate, given one alpha."""
    post_processing()  # points numba to its cache, before pymatting is imported
    estimate = import_module("pymatting").estimate_foreground_ml
    errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for scene in scenes(SIDE, SEEDS):
        share = scene.alpha[..., None] / 255
        theirs = estimate(scene.photo / 255, scene.alpha / 255) * 255
        of = errors[scene.name]
        of["clean"].append(_error(scene, _clean(scene)))
        of["plain"].append(_error(scene, share * scene.photo))  # darkened once here, once there
        of["pymatting"].append(_error(scene, theirs))
    total = {
        way: mean(mean(of[way]) for of in errors.values())
        for way in ("clean", "plain", "pymatting")
    }
    rows = [
        Figure(f"fringe: {name}, {way}", mean(of[way]), "/255")
        for name, of in errors.items()
        for way in total
    ]
    return [
        *rows,
        Figure(
            "fringe: clean against plain edges", total["clean"] / total["plain"], "x", "<= 0.333"
        ),
        Figure(
            "fringe: clean edges against pymatting",
            total["clean"] / total["pymatting"],
            "x",
            "<= 1.1",
        ),
    ]


def _clean(scene: Scene) -> NDArray[Any]:
    """As the engine does: on a copy of the mask's size where alpha has no finer detail."""
    copy, alpha = scene.photo, scene.alpha
    if scene.name == "model":
        size = MASK_SIDE, MASK_SIDE
        copy, alpha = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (copy, alpha))
    colours = edge_colours(copy, alpha, (SIDE, SIDE))
    return colours.subject_at(scene.photo, scene.alpha, 0, 0)


def _error(scene: Scene, found: NDArray[Any]) -> float:
    """The mean difference from the truth when the subject is laid on each backdrop, at the edge."""
    share = scene.alpha[..., None] / 255
    edge = (scene.alpha > 0) & (scene.alpha < 255)
    differences = []
    for backdrop in BACKDROPS:
        rest = (1 - share) * np.asarray(backdrop)
        truth, laid = (np.rint(share * colours + rest) for colours in (scene.subject, found))
        differences.append(np.abs(truth - laid)[edge].mean())
    return float(mean(differences))


def _cost(model: str) -> list[Figure]:
    """The engine's time with clean edges and with plain ones, in turn, on each photo."""
    engine = Engine(Models())
    options = {edges: Options(model=model, edges=edges) for edges in ("clean", "plain")}  # type: ignore[arg-type]
    ratios, sizes = [], []
    for name in PHOTOS:
        data = load(photo(name, MEGAPIXELS))
        spent: dict[str, list[float]] = defaultdict(list)
        size = {}
        for number in range(ROUNDS + 1):
            for edges in ("clean", "plain") if number % 2 else ("plain", "clean"):
                began = time.perf_counter()
                size[edges] = len(engine.process(data, options[edges]).data)
                spent[edges].append(time.perf_counter() - began)
        clean, plain = (median(spent[edges][1:]) for edges in ("clean", "plain"))
        ratios.append(clean / plain)
        sizes.append(size["clean"] / size["plain"])
    return [
        Figure(f"{model}: {MEGAPIXELS} MP, clean edges' time", mean(ratios), "x plain", "<= 1.15"),
        Figure(f"{model}: {MEGAPIXELS} MP, clean edges' PNG size", mean(sizes), "x plain"),
    ]
