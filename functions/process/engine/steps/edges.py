"""Refines the mask's edges with rembg's smoothing, alpha matting or decontamination."""

from __future__ import annotations

from contextlib import suppress

import cv2
import numpy as np
from PIL import Image

from functions.process.engine.enlarge import enlarged
from functions.process.engine.pipeline_state import PipelineState, Plane, Tools, plane
from functions.process.engine.strips import Strips
from functions.process.warm_rembg import post_processing

# The radius in pixels of rembg's `post_process`: opening 2, plus Gaussian 4 x sigma 2.
_REACH = 10
# rembg.remove's defaults: foreground threshold, background threshold, erosion in pixels.
_MATTING = (240, 10, 10)
_SMALLEST = 3
"""Pixels of the shorter side. The solvers divide by zero where a pixel has no neighbours."""


def refine_edges(state: PipelineState, tools: Tools) -> None:
    if not state.cut or state.options.edges in ("clean", "plain"):
        return
    alpha = state.full_alpha(tools.strips)
    if alpha is None:
        return
    if state.options.edges == "smooth":
        state.alpha = _smooth(alpha, tools.strips)
    else:
        _unmix(state, tools, alpha)


def _smooth(alpha: Plane, strips: Strips) -> Plane:
    """rembg's `post_process` in strips. They overlap by its radius, so the result is identical."""
    smooth = post_processing().post_process
    height, width = alpha.shape
    result = np.empty_like(alpha)

    def strip(top: int, bottom: int) -> None:
        above = min(_REACH, top)
        part = smooth(alpha[top - above : bottom + _REACH])
        result[top:bottom] = part[above : above + bottom - top]

    # Eight bytes per pixel: the Gaussian computes in float64.
    list(strips.map(height, width * 8, strip))
    return result


def _unmix(state: PipelineState, tools: Tools, alpha: Plane) -> None:
    """Compute the subject's alpha and colours with rembg's matting or decontamination.

    Both solve for all pixels at once and need hundreds of bytes per pixel, so a large photo is
    solved on a reduced copy. Alpha and the colours of semi-transparent pixels are then enlarged;
    opaque pixels keep their original colour.
    """
    if min(state.image.size) < _SMALLEST:
        return
    photo = state.image.convert("RGB")
    mask = Image.fromarray(alpha)
    small = _reduced_size(photo.size, tools.budget.matting_pixels)
    if small == photo.size:
        solved = _solve(state, tools, photo, mask)
        colours, alpha = solved.convert("RGB"), np.asarray(solved.getchannel("A"))
    else:
        state.warn(
            "edges_reduced",
            f"The edges were computed at {small[0]} x {small[1]} pixels and enlarged; "
            "upload a smaller photo for exact edges.",
        )
        box = Image.Resampling.BOX
        solved = _solve(state, tools, photo.resize(small, box), mask.resize(small, box))
        if state.options.edges == "matting":
            alpha = enlarged(solved.getchannel("A"), photo.size, tools.strips)
        colours = _edge_colours(photo, solved.convert("RGB"), alpha)
    if state.image.mode == "RGBA":
        colours.putalpha(state.image.getchannel("A"))
    state.image, state.alpha, state.unmixed = colours, alpha, True


def _reduced_size(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    scale = min(1.0, (pixels / (size[0] * size[1])) ** 0.5)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _solve(
    state: PipelineState, tools: Tools, photo: Image.Image, mask: Image.Image
) -> Image.Image:
    """Run rembg's solver. Returns RGBA with straight alpha, and passes on the solver's errors."""
    bg = post_processing()
    # Like the model, the solvers use every core and much memory.
    with tools.turn:
        if state.options.edges == "matting":
            # Matting raises ValueError if the mask has no definite foreground or background.
            # Decontaminate in that case, as rembg.remove does.
            with suppress(ValueError):
                matted: Image.Image = bg.alpha_matting_cutout(photo, mask, *_MATTING)
                return matted
        unmixed: Image.Image = bg.decontaminate_cutout(photo, mask)
        return unmixed


def _edge_colours(photo: Image.Image, solved: Image.Image, alpha: Plane) -> Image.Image:
    """Blend the photo into the enlarged colours wherever the subject is not opaque."""
    mixed = Image.fromarray(plane(cv2.convertScaleAbs(255 - alpha, alpha=4.0)))
    colours = photo.copy()
    colours.paste(solved.resize(photo.size, Image.Resampling.BILINEAR), (0, 0), mixed)
    return colours
