"""Google's description of the Gmail API, as the client library brings it: paths, parameters, scopes and shapes.

The routes are made from it and every request and answer is held against it, so that the emulator can't say what Gmail
could not. It is stricter than Gmail in one thing: bytes are taken in base64url alone, which is what is documented.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from googleapiclient.discovery_cache import get_static_doc

_RANGES = {"int32": (-(2**31), 2**31), "uint32": (0, 2**32), "int64": (-(2**63), 2**63), "uint64": (0, 2**64)}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "number": (int, float),
}


@dataclass(frozen=True, slots=True)
class Method:
    """One method as the document has it. ``request`` and ``response`` name schemas."""

    id: str
    verb: str
    path: str
    scopes: frozenset[str]
    parameters: Mapping[str, Mapping[str, Any]]
    request: str | None
    response: str | None


@cache
def document() -> Mapping[str, Any]:
    """The whole of it."""
    parsed: Mapping[str, Any] = json.loads(get_static_doc("gmail", "v1"))
    return parsed


@cache
def methods() -> Mapping[str, Method]:
    """Every method by its id."""
    return {method.id: method for method in _methods(document())}


def _methods(resource: Mapping[str, Any]) -> Iterator[Method]:
    for found in resource.get("methods", {}).values():
        yield Method(
            found["id"],
            found["httpMethod"],
            "/" + found["path"],
            frozenset(found.get("scopes", ())),
            found.get("parameters", {}),
            found.get("request", {}).get("$ref"),
            found.get("response", {}).get("$ref"),
        )
    for child in resource.get("resources", {}).values():
        yield from _methods(child)


def parameter_problem(method: Method, name: str, values: list[str]) -> str | None:
    """Why a query parameter can't be taken, if it can't."""
    schema = method.parameters.get(name) or document()["parameters"].get(name)
    if schema is None or schema.get("location") == "path":
        return f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
    if len(values) > 1 and not schema.get("repeated"):
        return f"Invalid value at '{name}': it may be given once."
    for value in values:
        if schema["type"] in {"integer", "boolean"}:
            try:
                value = json.loads(value)  # noqa: PLW2901 - it is the same value, read
            except ValueError:
                return f"Invalid value at '{name}' (TYPE_{schema['type'].upper()}), \"{value}\""
        if problem := next(_problems(schema, value, name), None):
            return problem
    return None


def problems(schema: str, value: Any) -> list[str]:
    """What is wrong with a value that should have the shape of that schema; nothing, if nothing is."""
    return list(_problems(document()["schemas"][schema], value, schema))


def _problems(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _problems(document()["schemas"][schema["$ref"]], value, where)
        return
    expected = schema["type"]
    if not isinstance(value, _TYPES[expected]) or (isinstance(value, bool) and expected != "boolean"):
        yield f"{where}: {type(value).__name__} where {expected} should be"
    elif isinstance(value, dict):
        yield from _object_problems(schema, value, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _problems(schema["items"], item, f"{where}[{index}]")
    else:
        yield from _value_problems(schema, value, where)


def _object_problems(schema: Mapping[str, Any], value: dict[str, Any], where: str) -> Iterator[str]:
    for name, child in value.items():
        if name in schema.get("properties", {}):
            yield from _problems(schema["properties"][name], child, f"{where}.{name}")
        else:
            yield f'{where}: Unknown name "{name}"'


def _value_problems(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not one of {', '.join(schema['enum'])}"
    form = schema.get("format")
    if form in _RANGES:
        yield from _number_problems(form, value, where)
    elif form == "byte" and not (_BASE64URL.fullmatch(value) and len(value.rstrip("=")) % 4 != 1):
        yield f"{where}: not base64url"


def _number_problems(form: str, value: str | int, where: str) -> Iterator[str]:
    lowest, beyond = _RANGES[form]
    try:
        fits = lowest <= int(value) < beyond
    except ValueError:
        fits = False
    if not fits:
        yield f"{where}: {str(value)[:40]!r} is no {form}"
