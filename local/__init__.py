"""Runs `infra/template.yaml` on this machine, in the MiniStack emulator.

Nothing outside this package knows that the emulator exists.
"""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"
OUT = ROOT / "out" / "local"

Template = dict[str, Any]
Resource = dict[str, Any]


class LocalStackError(Exception):
    """Something a person can act on; its text is all they need to see."""
