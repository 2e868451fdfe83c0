"""The API's reference for people, from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from darkroom.error_codes import (
    FILE_CODES,
    JOB_CODES,
    REQUEST_CODES,
    SOCKET_CODES,
    WARNING_CODES,
)

Schema = Mapping[str, Any]

_INTRODUCTION = """\
# API reference

*Written by `make openapi` from the routes. The same as OpenAPI 3.1: `GET /openapi.json`; to try
out: `GET /docs`.*

Send the deployment's key, or the job's token, as `Authorization: Bearer …`. Bodies and answers are
JSON. Every error is a problem document with a stable `code` (see [Errors](#errors)).

"""
_CODES = (
    ("Of a request", REQUEST_CODES),
    ("Of a file", FILE_CODES),
    ("Of a job", JOB_CODES),
    ("Warnings of a result", WARNING_CODES),
    ("Of a WebSocket message", SOCKET_CODES),
)


def reference(document: Schema) -> str:
    """Markdown: the calls by tag, the types, and every error code."""
    lines = [_INTRODUCTION]
    for tag in document["tags"]:
        lines.append(f"## {tag['name']}\n")
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    lines += _operation(f"{method.upper()} {path}", operation)
    lines.append("## Types\n")
    for name, schema in document["components"]["schemas"].items():
        lines += _type(name, schema)
    lines.append("## Errors\n")
    for title, codes in _CODES:
        lines.append(f"### {title}\n\n| code | meaning |\n|---|---|")
        lines += [f"| `{code}` | {meaning} |" for code, meaning in codes.items()]
        lines.append("")
    return "\n".join(lines)


def _operation(title: str, operation: Schema) -> Iterator[str]:
    yield f"### `{title}`\n"
    yield f"{operation['summary']}. {operation.get('description', '')}".strip() + "\n"
    secured = [scheme for option in operation.get("security", []) for scheme in option]
    yield f"Needs: {' or '.join(f'the {name}' for name in secured) or 'no credential'}.\n"
    query = [each for each in operation.get("parameters", []) if each["in"] == "query"]
    if query:
        yield "| query | type | |\n|---|---|---|"
        for each in query:
            yield f"| `{each['name']}` | {_named(each['schema'])} | {_note(each['schema'], each)} |"
        yield ""
    body = operation.get("requestBody")
    if body:
        yield f"Body: {_named(body['content']['application/json']['schema'])}.\n"
    yield "| status | answer | |\n|---|---|---|"
    for status, response in operation["responses"].items():
        content: Schema = next(iter(response.get("content", {}).values()), {})
        kind = _named(content["schema"]) if content.get("schema") else ""
        yield f"| {status} | {kind} | {response['description']} |"
    yield ""


def _type(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}\n"
    if "description" in schema:
        yield " ".join(schema["description"].split("\n\n")[0].split()) + "\n"
    if "enum" in schema:
        yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + ".\n"
    if "properties" in schema:
        required = schema.get("required", [])
        yield "| field | type | |\n|---|---|---|"
        for field, inner in schema["properties"].items():
            optional = "" if field in required else " *(optional)*"
            yield f"| `{field}` | {_named(inner)}{optional} | {_note(inner)} |"
        yield ""


def _named(schema: Schema) -> str:
    """A type in words: a link, alternatives, values, a list, or JSON's own name."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        words = f"[{name}](#{name.lower()})"
    elif "anyOf" in schema:
        words = " or ".join(dict.fromkeys(_named(each) for each in schema["anyOf"]))
    elif 0 < len(values) <= 8:
        words = ", ".join(f"`{value}`" for value in values)
    elif schema.get("type") == "array":
        words = f"list of {_named(schema['items'])}"
    elif isinstance(schema.get("additionalProperties"), dict):
        words = f"object of {_named(schema['additionalProperties'])}"
    else:
        words = str(schema.get("type", "anything"))
    return words


def _note(*schemas: Schema) -> str:
    notes = [str(each["description"]) for each in schemas if each.get("description")]
    schema = schemas[0]
    bounds = [
        f"{word} {schema[key]:g}"
        for key, word in (
            ("minimum", "at least"),
            ("maximum", "at most"),
            ("minItems", "at least"),
            ("maxItems", "at most"),
            ("maxLength", "at most, in characters,"),
        )
        if key in schema
    ]
    default = schema.get("default")
    if default not in (None, "", {}, []):
        bounds.append(f"default `{str(default).lower() if default in (True, False) else default}`")
    return "; ".join(dict.fromkeys([*notes, *bounds])).replace("\n", " ").replace("|", "\\|")
