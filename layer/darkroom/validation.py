"""Pydantic's validation errors, reworded for the clients that sent the data."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from darkroom.errors import InvalidRequest

_PLAIN = {
    "extra_forbidden": "there is no field of this name; check its spelling",
    "missing": "this field is required",
    "model_type": "give a JSON object",
    "model_attributes_type": "give a JSON object",
    "dict_type": "give a JSON object",
}


def wrong_fields(error: ValidationError, root: str = "") -> list[dict[str, Any]]:
    """`{"field", "message"}` for each wrong field, the field as a dotted path below `root`."""
    return [
        {
            "field": ".".join(
                str(part)
                for part in (root, *detail["loc"], detail.get("ctx", {}).get("field", ""))
                if part != ""
            ),
            "message": _PLAIN.get(detail["type"], detail["msg"]),
        }
        for detail in error.errors(include_url=False, include_input=False)
    ]


def summary(fields: list[dict[str, Any]]) -> str:
    return "; ".join(f"{field['field']}: {field['message']}" for field in fields)


def refusal(error: ValidationError, code: str, start: str, root: str = "") -> InvalidRequest:
    """The error to raise: `start`, then every wrong field."""
    fields = wrong_fields(error, root)
    return InvalidRequest(code, f"{start}: {summary(fields)}.", fields)
