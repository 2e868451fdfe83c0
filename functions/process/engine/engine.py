"""The engine: models, threads and limits around the pipeline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import cv2
from isal import isal_zlib

from darkroom.errors import FileError
from darkroom.options import CONTENT_TYPES, EXTENSIONS, Options
from functions.process.engine import pipeline
from functions.process.engine.faces import Detector
from functions.process.engine.strips import Strips
from functions.process.engine.types import Limits, Result
from functions.process.engine.work import Tools, Work
from functions.process.hardware import give_memory_back
from functions.process.models import Models

T = TypeVar("T")
R = TypeVar("R")


class Engine:
    """Built once per worker; all its methods may be called from several threads.

    Several photos in several threads are worth it: one at a time has the model, which uses every
    core, while the others are read, decoded and encoded.
    """

    def __init__(self, models: Models, limits: Limits | None = None) -> None:
        # The strips are the parallel part; OpenCV's own threads on top would only get in the way.
        cv2.setNumThreads(1)
        give_memory_back()
        self._tools = Tools(
            models=models,
            limits=limits or Limits(),
            strips=Strips(),
            detector=Detector(),
            turn=threading.Lock(),
        )

    def process(self, photo: bytes, options: Options) -> Result:
        """The photo as `options` ask for it; `options.model` must be set to remove a background.

        Raises FileError for everything that is wrong with the photo, its codes being
        `not_a_photo` (a SkippedFile), `unsupported_format`, `damaged_photo`, `too_large`,
        `too_many_pixels`, `too_complex`, `too_slow`, `no_face`, `unknown_model` and
        `result_too_large`.
        """
        work = Work(photo, options)
        pipeline.run(work, self._tools)
        image = work.image
        return Result(
            data=work.data,
            content_type=CONTENT_TYPES[options.format],
            extension=EXTENSIONS[options.format],
            width=image.width,
            height=image.height,
            crc32=isal_zlib.crc32(work.data),
            faces=None if work.faces is None else len(work.faces),
            model=options.model if options.remove_bg else None,
            warnings=tuple(work.warnings),
            seconds=time.monotonic() - work.began,
        )

    def map(
        self,
        photos: Iterable[tuple[Callable[[], bytes], Options]],
        threads: int = 2,
    ) -> Iterator[Result | FileError]:
        """Many photos through `threads` threads, results in order as soon as they are there.

        Each photo is a function that fetches its bytes, called in the thread that works on it. At
        most `threads + 1` photos are in memory at a time, however many there are. A photo's
        FileError is its result; any other exception is raised here.
        """
        return overlapped(lambda photo: self._outcome(*photo), photos, threads)

    def _outcome(self, fetch: Callable[[], bytes], options: Options) -> Result | FileError:
        try:
            return self.process(fetch(), options)
        except FileError as error:
            return error


def overlapped(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """`map(work, items)` in threads, never more than one finished result ahead of the reader."""
    source = iter(items)
    with ThreadPoolExecutor(threads, thread_name_prefix="photo") as pool:
        waiting: list[Future[R]] = [pool.submit(work, item) for item in islice(source, threads)]
        while waiting:
            result = waiting.pop(0).result()
            waiting += [pool.submit(work, item) for item in islice(source, 1)]
            yield result
