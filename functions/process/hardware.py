"""The cores and memory of a worker, from the machine or the Lambda's memory setting."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Mapping

# Source: AWS Lambda's documentation, "Configure Lambda function memory".
_MB_PER_VCPU = 1769


def cores(environment: Mapping[str, str] = os.environ) -> int:
    """The number of threads to use. A Lambda may show more cores than its memory entitles it to."""
    if hasattr(os, "sched_getaffinity"):
        visible = len(os.sched_getaffinity(0))
    else:
        visible = os.cpu_count() or 1
    granted = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    return min(visible, math.ceil(int(granted) / _MB_PER_VCPU)) if granted else visible


def memory(environment: Mapping[str, str] = os.environ) -> int:
    """Bytes of memory: the Lambda's setting, else the machine's."""
    granted = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    if granted:
        return int(granted) * 1024 * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def give_memory_back() -> None:
    """Make glibc return large freed blocks to the system at once, for the life of the process.

    By default, freeing a photo of 50 MB raises glibc's threshold, so that it keeps such blocks in
    an arena per thread: 20 MB unused at a worker's peak. Does nothing without glibc.
    Source: mallopt(3).
    """
    map_threshold, arenas = -3, -8
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(map_threshold, 4 << 20)
        library.mallopt(arenas, 2)


def trim_memory() -> None:
    """Return free memory inside the heap to the system. Does nothing elsewhere than on glibc.

    Reading u2net's 176 MB leaves 80 MB of it, in blocks too small for `give_memory_back`.
    Source: malloc_trim(3).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
