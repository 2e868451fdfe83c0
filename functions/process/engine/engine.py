"""The engine: runs the pipeline with its models, threads and limits."""

from __future__ import annotations

import threading

import cv2
from isal import isal_zlib

from darkroom.limits import Limits
from darkroom.options import CONTENT_TYPES, EXTENSIONS, Options
from functions.process.engine import pipeline
from functions.process.engine.faces import Detector
from functions.process.engine.judging import judge
from functions.process.engine.pipeline_state import Budget, PipelineState, Tools
from functions.process.engine.results import Result
from functions.process.engine.strips import Strips
from functions.process.hardware import give_memory_back
from functions.process.models import Models


class Engine:
    """Processes photos. Built once per worker; `process` may be called from several threads.

    Several threads increase the throughput: one photo at a time uses the model, which occupies
    every core, while the others are read, decoded and encoded.
    """

    def __init__(
        self, models: Models, limits: Limits | None = None, budget: Budget | None = None
    ) -> None:
        # Strips already run in parallel. OpenCV's own threads would only compete with them.
        cv2.setNumThreads(1)
        give_memory_back()
        self._tools = Tools(
            models=models,
            limits=limits or Limits(),
            budget=budget or Budget(),
            strips=Strips(),
            detector=Detector(),
            turn=threading.Lock(),
        )

    def process(self, photo: bytes, options: Options, background: bytes | None = None) -> Result:
        """Process one photo. `options.model` must be set to remove a background.

        background: the picture that `options.background` names, if it names one.

        Raises FileError if the photo cannot be processed. The codes are `not_a_photo` (a
        SkippedFile), `unsupported_format`, `damaged_photo`, `file_too_large`, `too_many_pixels`,
        `too_complex`, `too_slow`, `no_face`, `unknown_model`, `result_too_large`,
        `background_not_found` and `background_unusable`.
        """
        state = PipelineState(photo, options, background=background)
        pipeline.run(state, self._tools)
        image = state.image
        return Result(
            data=state.data,
            content_type=CONTENT_TYPES[options.format],
            extension=EXTENSIONS[options.format],
            width=image.width,
            height=image.height,
            crc32=isal_zlib.crc32(state.data),
            faces=None if state.faces is None else len(state.faces),
            face_score=round(state.faces[0].score, 3) if state.faces else None,
            confidence=judge(
                state.judged,
                face_missing=state.faces == (),
                face_unsure=any(warning.code == "unsure_face" for warning in state.warnings),
            ),
            model=options.model if options.remove_bg else None,
            warnings=tuple(state.warnings),
        )
