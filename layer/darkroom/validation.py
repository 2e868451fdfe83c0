"""Pydantic's complaints, told in the terms of the one who sent the data."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from darkroom.errors import InvalidRequest


def wrong_fields(error: ValidationError, root: str = "") -> list[dict[str, Any]]:
    """`{"field", "message"}` for each wrong field, the field as a dotted path below `root`."""
    return [
        {
            "field": ".".join(
                str(part)
                for part in (root, *found["loc"], found.get("ctx", {}).get("field", ""))
                if part != ""
            ),
            "message": found["msg"],
        }
        for found in error.errors(include_url=False, include_input=False)
    ]


def summary(fields: list[dict[str, Any]]) -> str:
    return "; ".join(f"{field['field']}: {field['message']}" for field in fields)


def refusal(error: ValidationError, code: str, sentence: str, root: str = "") -> InvalidRequest:
    """The error to raise: `sentence` and every wrong field."""
    fields = wrong_fields(error, root)
    return InvalidRequest(code, f"{sentence} {summary(fields)}.", fields)
