"""Fragments of tool calls, as different servers send them."""

from typing import Any

import pytest

from creative_services.wire.openai_chat import Assembler


def fragment(arguments: str, **members: Any) -> dict[str, Any]:
    name = members.pop("name", None)
    return {**members, "function": {"arguments": arguments, **({"name": name} if name else {})}}


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        (
            [
                fragment("{", index=0, id="a", name="f"),
                fragment("}", index=0),
                fragment("[]", index=1, id="b", name="g"),
            ],
            [("a", "f", "{}"), ("b", "g", "[]")],
        ),
        ([fragment("1", id="a", name="f"), fragment("2", id="b", name="f")], [("a", "f", "1"), ("b", "f", "2")]),
        (
            [
                fragment("1", index=0, id="a", name="f"),
                fragment("2", index=0, id="b", name="f"),
                fragment("3", index=0),
            ],
            [("a", "f", "1"), ("b", "f", "23")],
        ),
        (
            [
                fragment("1", index=0, id="a", name="f"),
                fragment("2", index=0, id="x7"),
                fragment("3", index=0, id="x8"),
            ],
            [("a", "f", "123")],
        ),
        ([fragment("1", index=None, id="a", name="f"), fragment("2", index=None, id="a")], [("a", "f", "12")]),
    ],
    ids=["numbered", "whole, without a number", "all numbered 0", "an id made up for each", "a null for a number"],
)
def test_fragments_find_their_call(fragments: list[dict[str, Any]], expected: list[tuple[str, str, str]]) -> None:
    assembler = Assembler()
    for each in fragments:
        assembler.feed({"choices": [{"delta": {"tool_calls": [each]}}]})
    calls = assembler.completion().tool_calls
    assert [(call.id, call.name, call.arguments_text) for call in calls] == expected
