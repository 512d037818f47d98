"""Answers in an asked-for shape: a pydantic model, a dataclass, a TypedDict, or a JSON schema."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from creative_services.core.completions import Request
from creative_services.core.errors import ConfigurationError, MissingDependencyError, ParsedAnswerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A JSON schema to ask with, and the parser that answers are held against."""

    name: str
    schema: Mapping[str, Any]
    check: Callable[[str], Any]
    wrapped: bool = False

    @classmethod
    def of(cls, wanted: Any) -> "Shape":
        """The shape of a type or of a JSON schema."""
        try:
            return _of_schema(json.dumps(dict(wanted))) if isinstance(wanted, Mapping) else _of_type(wanted)
        except MissingDependencyError:
            raise
        # pydantic and jsonschema raise a dozen kinds for what is no shape.
        except Exception as error:
            raise ConfigurationError(
                f"response_model={str(wanted)[:80]} is no shape: {_first_lines(error)}. "
                "Give a pydantic model, a dataclass, a TypedDict, another type, or a JSON schema."
            ) from error

    def parse(self, content: str) -> Any:
        """The answer as the wanted type, or an error that says where it does not fit."""
        try:
            text = _without_fence(content)
            return self.check(_unwrapped(text) if self.wrapped else text)
        except ValueError as error:  # pydantic's, jsonschema's (wrapped below) and json's errors all are
            raise ParsedAnswerError(
                f"The answer does not fit {self.name}: {_first_lines(error)}. The text is in .content; "
                "a larger model or a simpler shape usually helps.",
                content=content,
            ) from error


@lru_cache(maxsize=256)
def _of_type(wanted: Any) -> Shape:
    try:
        from pydantic import TypeAdapter
    except ImportError as error:
        raise MissingDependencyError("response_model", extra="structured", missing="pydantic") from error
    adapter = TypeAdapter(wanted)
    name = wanted.__name__ if isinstance(wanted, type) else str(wanted)
    return _shape(name, adapter.json_schema(), adapter.validate_json)


# By its text: a schema is a mapping, which no cache takes, and compiling one costs more than the rest of a call.
@lru_cache(maxsize=256)
def _of_schema(written: str) -> Shape:
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise MissingDependencyError(
            "A JSON schema as response_model", extra="structured", missing="jsonschema"
        ) from error
    schema = json.loads(written)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def check(text: str) -> Any:
        value = json.loads(text)
        if problem := next(validator.iter_errors(value), None):
            raise ValueError(f"{problem.json_path}: {problem.message}")
        return value

    return _shape(str(schema.get("title", "the schema")), schema, check)


_ANSWER = "answer"
_SHARED = ("$defs", "definitions")


def _shape(name: str, schema: Mapping[str, Any], check: Callable[[str], Any]) -> Shape:
    if schema.get("type") == "object":
        return Shape(name=name, schema={"title": name, **schema}, check=check)
    # Vendors only hold answers to objects: a list, a number or a choice of types travels inside one.
    inside = {key: value for key, value in schema.items() if key not in _SHARED}
    around = {
        "title": name,
        "type": "object",
        "properties": {_ANSWER: inside},
        "required": [_ANSWER],
        "additionalProperties": False,
    }
    shared = {key: schema[key] for key in _SHARED if key in schema}
    return Shape(name=name, schema=around | shared, check=check, wrapped=True)


def _unwrapped(text: str) -> str:
    # Models that are told the schema only in words often answer with the bare value, which is as good.
    value = json.loads(text)
    return json.dumps(value[_ANSWER]) if isinstance(value, dict) and value.keys() == {_ANSWER} else text


def _without_fence(content: str) -> str:
    # Models that were not trained on JSON modes like to wrap it in a Markdown fence.
    text = content.strip()
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json").strip()
    return text


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def repair(request: Request, error: ParsedAnswerError) -> Request:
    """The same request once more, with the misfit answer and what is wrong with it."""
    return replace(
        request,
        messages=(
            *request.messages,
            {"role": "assistant", "content": error.content or "(nothing)"},
            {"role": "user", "content": f"{error} Answer again with nothing but JSON that fits the schema."},
        ),
    )
