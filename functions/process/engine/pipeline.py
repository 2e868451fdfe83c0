"""The pipeline: an ordered list of steps.

Each step is a function `step(state, tools)` in its own file. A step that does not apply returns at
once.
"""

from __future__ import annotations

from functions.process.engine.pipeline_state import PipelineState, Tools
from functions.process.engine.steps.backdrop import blur_backdrop, open_backdrop
from functions.process.engine.steps.background import paint_background
from functions.process.engine.steps.canvas import place_on_canvas
from functions.process.engine.steps.colour import to_srgb
from functions.process.engine.steps.decode import decode
from functions.process.engine.steps.edges import refine_edges
from functions.process.engine.steps.encode import encode
from functions.process.engine.steps.face import crop_to_face, find_faces
from functions.process.engine.steps.mask import make_mask
from functions.process.engine.steps.orient import orient
from functions.process.engine.steps.probe import probe
from functions.process.engine.steps.shadow import cast_shadow
from functions.process.engine.steps.shrink import shrink
from functions.process.engine.steps.trim import trim

STEPS = (
    probe,  # format, size, and whether decoding is safe
    decode,  # the first frame
    orient,  # apply the EXIF orientation
    to_srgb,  # 8-bit RGB or RGBA
    find_faces,  # in the whole photo
    make_mask,  # rembg's model
    refine_edges,  # rembg's post-processing
    crop_to_face,
    trim,  # to the subject
    shrink,
    blur_backdrop,  # the photo without its subject
    place_on_canvas,
    cast_shadow,
    open_backdrop,  # a background of the deployment's own
    paint_background,
    encode,
)


def run(state: PipelineState, tools: Tools) -> None:
    """Run all steps on one photo. Raises FileError, after which `state` must not be reused."""
    for step in STEPS:
        state.check_time(tools.budget)
        step(state, tools)
