"""Runs `infra/template.yaml` on this machine, in the MiniStack emulator.

The code that is deployed or installed (`functions/`, `layer/`, `client/`, `infra/`) does not know
that the emulator exists. Only this package, and `bench/` and `tests/`, which use it, do.
"""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"
OUT = ROOT / "out" / "local"

Template = dict[str, Any]
Resource = dict[str, Any]


class LocalStackError(Exception):
    """An error that the user can act on. Its text is shown alone, without a traceback."""
