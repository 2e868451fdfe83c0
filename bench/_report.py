"""Writes a benchmark's figures to out/bench/NAME.json and prints them as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Figure(NamedTuple):
    """A measured number and its target, such as `<= 2` or `>= 1.3`; empty: no target."""

    figure: str
    value: float
    unit: str
    target: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if not self.target:
            return None
        sign, limit = self.target.split()
        return self.value <= float(limit) if sign == "<=" else self.value >= float(limit)


def write(name: str, figures: Sequence[Figure]) -> None:
    report = Path(f"out/bench/{name}.json")
    report.parent.mkdir(parents=True, exist_ok=True)
    rows = [figure._asdict() | {"holds": figure.holds} for figure in figures]
    report.write_text(json.dumps(rows, indent=2) + "\n")
    for row in figures:
        mark = {True: "holds", False: "MISSED", None: ""}[row.holds]
        print(f"{row.figure:70} {row.value:12.3f} {row.unit:10} {row.target:10} {mark}")
