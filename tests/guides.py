"""The quickstart and the guide as the tests read them: sections, fenced blocks, tables."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
QUICKSTART = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The contents of all fenced blocks of a language."""
    return [found[3] for found in _FENCE.finditer(text) if found[2] == language]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def program(name: str) -> str:
    """The guide's program of that name: the fenced block behind the line `**`name`**`."""
    found = re.search(rf"^\*\*`{re.escape(name)}`\*\*\n\n```\w+\n(.*?)^```$", GUIDE, re.M | re.S)
    assert found, f"the guide has no program {name}"
    return found[1]


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", text, re.MULTILINE)
    assert found, f"there is no section {title!r}"
    rest = _without_hashes(text[found.end() :])
    level = len(found[1])
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return text[found.end() :][: end.start() if end else None]


def _without_hashes(text: str) -> str:
    """The text with `#` in fenced blocks replaced, so that no comment looks like a heading."""
    return _FENCE.sub(lambda found: found[0].replace("#", "."), text)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without headers and rulers."""
    lines = [line for line in prose(text).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    rulers = {index for index, line in enumerate(lines) if re.fullmatch(r"[|-]+", line)}
    return [
        row for index, row in enumerate(cells) if index not in rulers and index + 1 not in rulers
    ]
