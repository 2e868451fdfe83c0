"""Writes a benchmark's figures to out/bench/NAME.json and prints them as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Figure(NamedTuple):
    """A measured number and its target, such as `<= 2` or `>= 1.3`; empty: no target."""

    figure: str
    value: float | None
    unit: str
    target: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without a target or a value."""
        if not self.target or self.value is None:
            return None
        sign, limit = self.target.split()
        return self.value <= float(limit) if sign == "<=" else self.value >= float(limit)


def not_measured(figure: str, why: str, unit: str = "", target: str = "") -> Figure:
    return Figure(f"{figure} (not measured: {why})", None, unit, target)


def write(name: str, figures: Sequence[Figure]) -> None:
    report = Path(f"out/bench/{name}.json")
    report.parent.mkdir(parents=True, exist_ok=True)
    rows = [figure._asdict() | {"holds": figure.holds} for figure in figures]
    report.write_text(json.dumps(rows, indent=2) + "\n")
    for row in figures:
        mark = {True: "holds", False: "MISSED", None: ""}[row.holds]
        value = "-" if row.value is None else f"{row.value:.3f}"
        print(f"{row.figure:70} {value:>12} {row.unit:10} {row.target:10} {mark}")
