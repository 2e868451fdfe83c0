"""The pipeline, to be read from top to bottom.

Each step is `step(state, tools)` in a file of its own; one that does not apply returns at once.
"""

from __future__ import annotations

from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.steps.background import paint_background
from functions.process.engine.steps.colour import to_srgb
from functions.process.engine.steps.decode import decode
from functions.process.engine.steps.edges import refine_edges
from functions.process.engine.steps.encode import encode
from functions.process.engine.steps.face import crop_to_face, find_faces
from functions.process.engine.steps.mask import make_mask
from functions.process.engine.steps.orient import orient
from functions.process.engine.steps.probe import probe
from functions.process.engine.steps.shrink import shrink
from functions.process.engine.steps.trim import trim

STEPS = (
    probe,  # what is it, how large, is it safe to decode?
    decode,  # the first frame
    orient,  # as the camera was held
    to_srgb,  # 8-bit RGB or RGBA
    find_faces,  # in the whole photo
    make_mask,  # what is subject: rembg's model
    refine_edges,  # rembg's post-processing
    crop_to_face,
    trim,  # to the subject
    shrink,
    paint_background,
    encode,
)


def run(state: PipelineState, tools: Tools) -> None:
    """All steps on one photo. Raises FileError; after that `state` is of no more use."""
    for step in STEPS:
        state.check_time(tools.budget)
        step(state, tools)
