"""Shapes are closed only where that changes nothing, and every shape has a smallest instance that fits."""

from typing import Any

import pytest

from creative_services.wire.instances import smallest_instance
from creative_services.wire.schemas import name_of, strict

jsonschema = pytest.importorskip("jsonschema")

LEAF = {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}, "required": ["a"]}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def test_objects_are_closed_all_the_way_down() -> None:
    given = {
        "type": "object",
        "properties": {"default": {"$ref": "#/$defs/leaf"}, "list": {"type": "array", "items": LEAF}},
        "required": ["default", "list"],
        "$defs": {"leaf": LEAF},
    }
    assert strict(given) == {
        "type": "object",
        "properties": {"default": {"$ref": "#/$defs/leaf"}, "list": {"type": "array", "items": CLOSED}},
        "required": ["default", "list"],
        "$defs": {"leaf": CLOSED},
        "additionalProperties": False,
    }
    assert "additionalProperties" not in given, "what the caller gave is not changed"


@pytest.mark.parametrize(
    "loose",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}, "required": []},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {"a": {"type": "object"}}, "required": ["a"]},
        {"type": "array", "items": LEAF},
        {"type": "string"},
    ],
)
def test_what_would_mean_something_else_is_left(loose: dict[str, Any]) -> None:
    assert strict(loose) is None


def test_names() -> None:
    assert name_of({"title": "My Shape[int]"}) == "My_Shape_int_"
    assert name_of({}) == "answer"


TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["name", "next"],
        }
    },
}


@pytest.mark.parametrize(
    "schema",
    [
        LEAF,
        TREE,
        {"type": "integer", "minimum": 3},
        {"type": "integer", "exclusiveMinimum": 3},
        {"type": "number", "maximum": -2.5},
        {"type": "number", "exclusiveMaximum": -2},
        {"type": "string", "minLength": 9},
        {"type": "string", "maxLength": 2},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["a", "b"]},
        {"const": 7},
        {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        {"type": ["string", "null"]},
        {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        {"allOf": [LEAF, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}]},
        {},
    ],
)
def test_the_smallest_instance_fits(schema: dict[str, Any]) -> None:
    jsonschema.validate(smallest_instance(schema), schema)
