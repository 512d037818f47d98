"""The smallest value that fits a JSON schema, for demos and tests."""

from collections.abc import Mapping
from typing import Any


def smallest_instance(schema: Mapping[str, Any]) -> Any:
    """A minimal value that fits the schema: first choices, shortest texts, lowest numbers."""
    return _Smallest(schema).of(schema, 0)


class _Smallest:
    """Walks a schema; a reference into itself ends at a depth no sane answer has."""

    __slots__ = ("_root",)

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def of(self, node: Any, depth: int) -> Any:
        if not isinstance(node, Mapping) or depth > _DEEPEST:
            return None
        if "$ref" in node:
            return self.of(self._target(str(node["$ref"])), depth + 1)
        for fixed in ("const", "default"):
            if fixed in node:
                return node[fixed]
        if node.get("enum"):
            return node["enum"][0]
        for choices in ("anyOf", "oneOf"):
            if node.get(choices):
                # null ends recursive shapes; elsewhere it would be a poor demo.
                return self.of(node[choices][-1 if depth > _DEEPEST // 2 else 0], depth + 1)
        if node.get("allOf"):
            return self.of({**node, "allOf": None, **_merged(node["allOf"])}, depth + 1)
        return self._typed(node, depth)

    def _target(self, reference: str) -> Any:
        node: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            node = node.get(step) if step and isinstance(node, Mapping) else node
        return node

    def _typed(self, node: Mapping[str, Any], depth: int) -> Any:
        kind = node.get("type", "object" if "properties" in node else None)
        if isinstance(kind, list):
            kind = kind[0]
        if kind == "object":
            members = node.get("properties", {})
            return {name: self.of(members.get(name, {}), depth + 1) for name in node.get("required", members)}
        if kind == "array":
            return [self.of(node.get("items", {}), depth + 1) for _ in range(node.get("minItems", 0))]
        if kind in ("integer", "number"):
            return _number(node, whole=kind == "integer")
        if kind == "string":
            return _FORMATS.get(node.get("format", ""), "demo".ljust(node.get("minLength", 0), "."))[
                : node.get("maxLength")
            ]
        return {"boolean": False}.get(str(kind))


_DEEPEST = 12
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def _number(node: Mapping[str, Any], *, whole: bool) -> Any:
    step = 1 if whole else 0.5
    low = node.get("minimum", node["exclusiveMinimum"] + step if "exclusiveMinimum" in node else None)
    high = node.get("maximum", node["exclusiveMaximum"] - step if "exclusiveMaximum" in node else None)
    nearest = 0 if whole else 0.0
    if low is not None and low > nearest:
        return low
    return high if high is not None and high < nearest else nearest


def _merged(parts: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, Mapping):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged.update(part)
            if properties:
                merged.update(properties=properties, required=required)
    return merged
