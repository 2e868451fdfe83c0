"""Measures the quality of cutouts where the truth is known; writes out/bench/quality.json."""

from __future__ import annotations

import sys

from bench import _confidence, _fringe
from bench._report import write


def main() -> int:
    figures = [*_fringe.figures(), *_confidence.figures()]
    write("quality", figures)
    return any(figure.holds is False for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
