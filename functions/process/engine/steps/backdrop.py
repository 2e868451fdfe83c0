"""Prepares the picture behind the subject: the photo itself, blurred, or the deployment's own."""

from __future__ import annotations

from darkroom.backdrop_options import BackdropOptions
from darkroom.errors import FileError
from darkroom.limits import background_not_found
from darkroom.options import Options
from functions.process.engine.blurring import blurred_background
from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.steps.colour import to_srgb
from functions.process.engine.steps.decode import decode
from functions.process.engine.steps.orient import orient
from functions.process.engine.steps.probe import probe


def blur_backdrop(state: PipelineState, tools: Tools) -> None:
    """Blur the photo, before a canvas takes its subject out of it."""
    wanted = state.options.background
    if not isinstance(wanted, BackdropOptions) or wanted.blur is None:
        return
    alpha = state.full_alpha(tools.strips)
    if alpha is not None:
        state.backdrop = blurred_background(state.image, alpha, wanted.blur)


def open_backdrop(state: PipelineState, tools: Tools) -> None:
    """Decode the background that the options name. It has the limits of a photo.

    Raises FileError (`background_not_found`, `background_unusable`).
    """
    wanted = state.options.background
    if not isinstance(wanted, BackdropOptions) or wanted.image is None:
        return
    if state.background is None:
        raise background_not_found(wanted.image)
    own = PipelineState(state.background, Options(remove_bg=False), started=state.started)
    state.background = None
    try:
        for step in (probe, decode, orient, to_srgb):
            step(own, tools)
    except FileError as error:
        raise FileError(
            "background_unusable",
            f"The background {wanted.image} cannot be used ({error.code}); "
            "replace it in the bucket by a photo that can be processed.",
        ) from error
    state.backdrop = own.image
