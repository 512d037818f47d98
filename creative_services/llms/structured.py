"""Answers in an asked-for shape: a pydantic model, a dataclass, a TypedDict, or a JSON schema."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from creative_services.core.completions import Request
from creative_services.core.errors import MissingDependencyError, ParsedAnswerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A JSON schema to ask with, and the parser that answers are held against."""

    name: str
    schema: Mapping[str, Any]
    check: Callable[[str], Any]

    @classmethod
    def of(cls, wanted: Any) -> "Shape":
        """The shape of a type or of a JSON schema."""
        return _of_schema(wanted) if isinstance(wanted, Mapping) else _of_type(wanted)

    def parse(self, content: str) -> Any:
        """The answer as the wanted type, or an error that says where it does not fit."""
        try:
            return self.check(_without_fence(content))
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
    name = getattr(wanted, "__name__", str(wanted))
    return Shape(name=name, schema={"title": name} | adapter.json_schema(), check=adapter.validate_json)


def _of_schema(schema: Mapping[str, Any]) -> Shape:
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise MissingDependencyError(
            "A JSON schema as response_model", extra="structured", missing="jsonschema"
        ) from error
    validator = Draft202012Validator(dict(schema))

    def check(text: str) -> Any:
        value = json.loads(text)
        if problem := next(validator.iter_errors(value), None):
            raise ValueError(f"{problem.json_path}: {problem.message}")
        return value

    return Shape(name=str(schema.get("title", "the schema")), schema=schema, check=check)


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
