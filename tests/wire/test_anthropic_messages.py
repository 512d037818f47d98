"""Anthropic's dialect, out and back."""

from typing import Any

import pytest

from creative_services.core.completions import Request, ToolCall
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire import anthropic_messages as wire
from creative_services.wire.anthropic_request import ANSWER_TOOL, conversation, tool_choice
from creative_services.wire.faults import FaultError, WrongShapeError

ENTRY = LLMEntry(id=1, name="m", provider="anthropic", model="claude", tier="economy", max_tokens=99, temperature=0.5)
HI = {"role": "user", "content": "hi"}
SHAPE = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}


def asking(**fields: Any) -> Request:
    return Request(**{"messages": (HI,), **fields})


def test_an_entry_s_defaults_are_told() -> None:
    told = wire.body(ENTRY, asking())
    assert told == {"model": "claude", "max_tokens": 99, "messages": [HI], "temperature": 0.5}


def test_max_tokens_is_always_told_since_it_must_be() -> None:
    assert wire.body(ENTRY, asking(), without=frozenset({"max_tokens", "temperature"}))["max_tokens"] == 99


def test_the_system_prompt_is_lifted_out() -> None:
    messages = ({"role": "system", "content": "A."}, HI, {"role": "developer", "content": "B."})
    assert conversation(messages) == ("A.\n\nB.", [HI])
    cached = {"type": "text", "text": "A.", "cache_control": {"type": "ephemeral"}}
    assert conversation(({"role": "system", "content": [cached]},)) == ([cached], [])


def test_tool_results_and_what_follows_are_one_turn() -> None:
    calls = [{"id": n, "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}} for n in ("c1", "c2")]
    messages = (
        HI,
        {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "17"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "18"}]},
        {"role": "user", "content": "And?"},
    )
    _, turns = conversation(messages)
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] == [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "c2", "name": "f", "input": {"a": 1}},
    ]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "17"},
        {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "18"}]},
        {"type": "text", "text": "And?"},
    ]


def test_images() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, b"\xff\xd8\xff"]
    _, turns = conversation(({"role": "user", "content": parts},))
    assert turns[0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}},
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": True},) * 2,
    ],
)
def test_tool_choices(given: Any, told: Any) -> None:
    assert tool_choice(given) == told


def test_a_shape_as_the_api_takes_it() -> None:
    told = wire.body(ENTRY, asking(schema=SHAPE))
    assert told["output_config"]["format"]["schema"] == {**SHAPE, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "without"), [(SHAPE, frozenset({"output_config"})), ({"type": "object"}, frozenset())]
)
def test_a_shape_through_a_forced_tool(schema: dict[str, Any], without: frozenset[str]) -> None:
    told = wire.body(ENTRY, asking(schema=schema), without=without)
    assert told["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL}
    assert told["tools"][-1]["input_schema"] == schema
    block = {"type": "tool_use", "id": "t", "name": ANSWER_TOOL, "input": {"x": "y"}}
    made = wire.completion({"content": [block], "stop_reason": "tool_use"})
    assert (made.content, made.tool_calls, made.finish_reason) == ('{"x": "y"}', (), "stop")


def test_text_blocks_are_joined_and_thinking_is_not_text() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "b"}]
    assert wire.completion({"content": blocks, "stop_reason": "end_turn"}).content == "ab"


USAGES: list[tuple[dict[str, Any], Usage]] = [
    ({"input_tokens": 10, "output_tokens": 5}, Usage(input_tokens=10, output_tokens=5)),
    (
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "output_tokens_details": {"thinking_tokens": 3},
            "service_tier": "priority",
        },
        Usage(
            input_tokens=140,
            output_tokens=5,
            cached_tokens=100,
            cache_write_tokens=30,
            cache_write_1h_tokens=20,
            reasoning_tokens=3,
            service_tier="priority",
        ),
    ),
    ({"input_tokens": 1, "output_tokens": 2, "cache_creation": None}, Usage(input_tokens=1, output_tokens=2)),
]


@pytest.mark.parametrize(("told", "usage"), USAGES)
def test_usage_counts_cached_input_inside(told: dict[str, Any], usage: Usage) -> None:
    assert wire.usage(told) == usage


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        (None, None),
    ],
)
def test_reasons(reason: str | None, plain: str | None) -> None:
    assert wire.finish(reason) == plain


START = {"type": "message_start", "message": {"model": "claude-1", "usage": {"input_tokens": 9, "output_tokens": 1}}}
STOP = {"type": "message_stop"}


def delta(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def ended(reason: str, **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def test_a_stream_is_put_together() -> None:
    assembler = wire.Assembler()
    events = [
        START,
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        delta(0, type="text_delta", text="a"),
        delta(0, type="text_delta", text="b"),
        {"type": "content_block_stop", "index": 0},
        ended("end_turn", output_tokens=7, input_tokens=None),
        STOP,
    ]
    assert "".join(map(assembler.feed, events)) == "ab"
    made = assembler.completion()
    assert (made.content, made.finish_reason, made.model) == ("ab", "stop", "claude-1")
    assert made.usage == Usage(input_tokens=9, output_tokens=7)


def test_a_streamed_tool_call() -> None:
    assembler = wire.Assembler()
    block = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    for event in (
        START,
        {"type": "content_block_start", "index": 1, "content_block": block},
        delta(1, type="input_json_delta", partial_json='{"a"'),
        delta(1, type="input_json_delta", partial_json=": 1}"),
        ended("tool_use", output_tokens=7),
    ):
        assert assembler.feed(event) == ""
    assert assembler.completion().tool_calls == (
        ToolCall(id="t1", name="f", arguments={"a": 1}, arguments_text='{"a": 1}'),
    )


def test_a_streamed_shape_through_the_tool_is_text() -> None:
    assembler = wire.Assembler()
    block = {"type": "tool_use", "id": "t1", "name": ANSWER_TOOL, "input": {}}
    assembler.feed({"type": "content_block_start", "index": 0, "content_block": block})
    assert assembler.feed(delta(0, type="input_json_delta", partial_json="{}")) == "{}"
    assembler.feed(ended("tool_use"))
    assert (assembler.completion().content, assembler.completion().finish_reason) == ("{}", "stop")


def test_a_stream_without_an_end_is_not_finished() -> None:
    assembler = wire.Assembler()
    assembler.feed(START)
    assert not assembler.finished


def test_an_error_amid_a_stream() -> None:
    with pytest.raises(FaultError) as caught:
        wire.Assembler().feed({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert caught.value.fault.code == "overloaded_error"


@pytest.mark.parametrize("event", [None, [], {}, {"type": "content_block_delta"}, delta(5, type="input_json_delta")])
def test_a_piece_that_is_none(event: Any) -> None:
    with pytest.raises(WrongShapeError):
        wire.Assembler().feed(event)


@pytest.mark.parametrize("wrong", [None, [], {}, {"content": None}, {"content": [7]}, {"content": [{}]}])
def test_what_is_no_answer(wrong: Any) -> None:
    with pytest.raises(WrongShapeError):
        wire.completion(wrong)


def test_a_built_in_tool_passes_untouched() -> None:
    given = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    assert wire.body(ENTRY, asking(tools=(given,)))["tools"] == [given]
