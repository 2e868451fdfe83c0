"""Pydantic's validation errors, reworded for the clients that sent the data."""

from __future__ import annotations

from collections.abc import Mapping
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


def described(error: Mapping[str, Any], root: str = "", skip: int = 0) -> dict[str, Any]:
    """`{"field", "message"}` of one of pydantic's errors.

    The field is a dotted path below `root`, without the first `skip` parts of its location, and
    without the tags of options that have several forms, such as "<object>".
    """
    parts = (root, *error["loc"][skip:], (error.get("ctx") or {}).get("field", ""))
    return {
        "field": ".".join(str(part) for part in parts if part != "" and str(part)[0] != "<"),
        "message": _PLAIN.get(error["type"], error["msg"]),
    }


def wrong_fields(error: ValidationError, root: str = "") -> list[dict[str, Any]]:
    """`{"field", "message"}` for each wrong field, the field as a dotted path below `root`."""
    found = error.errors(include_url=False, include_input=False)
    return [described(each, root) for each in found]


def summary(fields: list[dict[str, Any]]) -> str:
    return "; ".join(f"{field['field']}: {field['message']}" for field in fields)


def invalid(code: str, start: str, fields: list[dict[str, Any]]) -> InvalidRequest:
    """The error to raise: `start`, then every wrong field."""
    return InvalidRequest(code, f"{start}; correct these fields: {summary(fields)}.", fields)


def refusal(error: ValidationError, code: str, start: str, root: str = "") -> InvalidRequest:
    """The same, from pydantic's own error."""
    return invalid(code, start, wrong_fields(error, root))
