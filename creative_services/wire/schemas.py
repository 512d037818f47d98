"""JSON schemas as vendors want them."""

import re
from collections.abc import Mapping
from typing import Any


def name_of(schema: Mapping[str, Any]) -> str:
    """The schema's title as an identifier vendors accept."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or ""))[:64] or "answer"


def strict(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema with every object closed, as strict modes demand; None when that would change what it means."""
    try:
        closed: Mapping[str, Any] = _closed(schema)
    except _LooseError:
        return None
    return closed if closed.get("type") == "object" else None


class _LooseError(Exception):
    """An object has optional or free-form members."""


def _closed(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return [_closed(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    closed = {
        key: _members(value) if key in _MAPS else _closed(value) for key, value in node.items() if key != "default"
    }
    if node.get("type") == "object":
        if node.get("additionalProperties") or "patternProperties" in node or "properties" not in node:
            raise _LooseError
        if set(node["properties"]) - set(node.get("required", ())):
            raise _LooseError
        closed["additionalProperties"] = False
    return closed


_MAPS = ("properties", "$defs", "definitions")


def _members(value: Any) -> Any:
    # Member names are not keywords: a property called "default" stays.
    return {name: _closed(member) for name, member in value.items()} if isinstance(value, Mapping) else value
