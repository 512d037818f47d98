"""OpenAI's dialect, out and back."""

import json
from typing import Any

import pytest

from creative_services.core.completions import Request, ToolCall
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire import openai_chat as wire
from creative_services.wire.faults import FaultError, WrongShapeError

ENTRY = LLMEntry(id=1, name="m", provider="openai", model="gpt", tier="economy", max_tokens=99, temperature=0.5)
HI = {"role": "user", "content": "hi"}


def asking(**fields: Any) -> Request:
    return Request(**{"messages": (HI,), **fields})


def test_an_entry_s_defaults_are_told() -> None:
    assert wire.body(ENTRY, asking()) == {"model": "gpt", "messages": [HI], "max_tokens": 99, "temperature": 0.5}


def test_the_caller_s_word_comes_first() -> None:
    told = wire.body(ENTRY, asking(max_tokens=5, temperature=0.0, stop=("\n",), seed=7))
    assert (told["max_tokens"], told["temperature"], told["stop"], told["seed"]) == (5, 0.0, ["\n"], 7)


def test_what_is_refused_is_left_out_unless_the_caller_insists() -> None:
    without = frozenset({"max_tokens", "temperature", "stream_options"})
    assert wire.body(ENTRY, asking(), stream=True, without=without).keys() == {"model", "messages", "stream"}
    assert wire.body(ENTRY, asking(max_tokens=5), without=without)["max_tokens"] == 5


def test_extras_pass_untouched_and_win() -> None:
    entry = ENTRY.using(options={"reasoning_effort": "low", "headers": {"x": "y"}, "user": "entry"})
    told = wire.body(entry, asking(extra={"user": "caller", "logit_bias": {"1": 2}}))
    assert (told["reasoning_effort"], told["user"], told["logit_bias"]) == ("low", "caller", {"1": 2})
    assert "headers" not in told


def test_usage_is_asked_for_in_streams() -> None:
    assert wire.body(ENTRY, asking(), stream=True)["stream_options"] == {"include_usage": True}


def test_a_closed_shape_is_strict_and_an_open_one_is_not() -> None:
    closed = {"title": "A b", "type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    told = wire.body(ENTRY, asking(schema=closed))["response_format"]["json_schema"]
    assert (told["name"], told["strict"], told["schema"]["additionalProperties"]) == ("A_b", True, False)
    optional = {**closed, "required": []}
    told = wire.body(ENTRY, asking(schema=optional))["response_format"]["json_schema"]
    assert (told["strict"], told["schema"]) == (False, optional)


def test_a_shape_in_words_where_there_is_no_other_way() -> None:
    told = wire.body(ENTRY, asking(schema={"type": "object"}), wire.Dialect(schema="json_object"))
    assert told["response_format"] == {"type": "json_object"}
    assert '{"type": "object"}' in told["messages"][0]["content"]
    assert told["messages"][1:] == [HI]


def test_our_tool_calls_become_openai_s() -> None:
    call = ToolCall(id="c1", name="f", arguments={"a": 1})
    told = wire.message({"role": "assistant", "content": None, "tool_calls": [call]})
    assert told["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]


def test_the_body_is_json_whatever_mapping_the_messages_are() -> None:
    from types import MappingProxyType

    json.dumps(wire.body(ENTRY, asking(messages=(MappingProxyType(HI),))))


USAGES: list[tuple[dict[str, Any], Usage]] = [
    ({"prompt_tokens": 10, "completion_tokens": 5}, Usage(input_tokens=10, output_tokens=5)),
    (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        Usage(input_tokens=10, output_tokens=5, cached_tokens=4, reasoning_tokens=2),
    ),
    (
        {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 3},
        Usage(input_tokens=10, output_tokens=5, cached_tokens=3),
    ),
    (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 22,
            "completion_tokens_details": {"reasoning_tokens": 7},
        },
        Usage(input_tokens=10, output_tokens=12, reasoning_tokens=7),
    ),
    ({"prompt_tokens": None, "completion_tokens": float("nan"), "prompt_tokens_details": None}, Usage()),
    ({"prompt_tokens": -3, "completion_tokens": float("inf")}, Usage()),
]


@pytest.mark.parametrize(("told", "usage"), USAGES)
def test_usage(told: dict[str, Any], usage: Usage) -> None:
    assert wire.usage(told) == usage


@pytest.mark.parametrize("told", [None, {}, "nonsense", 7])
def test_no_usage_is_none_and_not_zero(told: Any) -> None:
    assert wire.usage(told) is None


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_calls"),
        ("eos", "stop"),
        ("model_length", "length"),
        ("something_new", "something_new"),
        (None, None),
    ],
)
def test_reasons(reason: str | None, plain: str | None) -> None:
    assert wire.finish(reason) == plain


def answer(**message: Any) -> dict[str, Any]:
    return {"model": "gpt-1", "choices": [{"message": message, "finish_reason": "stop"}]}


def test_a_refusal_is_content_that_was_filtered() -> None:
    made = wire.completion(answer(content=None, refusal="I cannot."))
    assert (made.content, made.finish_reason) == ("I cannot.", "content_filter")


def test_content_in_parts() -> None:
    assert (
        wire.completion(answer(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])).content == "ab"
    )


def test_a_forced_tool_s_stop_is_a_tool_call() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{broken"}}
    made = wire.completion(answer(content=None, tool_calls=[call]))
    assert made.finish_reason == "tool_calls"
    assert made.tool_calls == (ToolCall(id="c", name="f", arguments={}, arguments_text="{broken"),)


@pytest.mark.parametrize(
    "wrong", [{}, [], None, "x", {"choices": []}, {"choices": [{}]}, {"choices": [{"message": None}]}]
)
def test_what_is_no_answer(wrong: Any) -> None:
    with pytest.raises(WrongShapeError):
        wire.completion(wrong)


def test_an_error_in_a_good_answer() -> None:
    with pytest.raises(FaultError) as caught:
        wire.completion({"error": {"message": "no", "code": 502}})
    assert (caught.value.fault.message, caught.value.fault.status) == ("no", 502)


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def test_a_stream_is_put_together() -> None:
    assembler = wire.Assembler()
    chunks = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "a"}),
        chunk({"content": "b"}),
        chunk({}, "stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}, "service_tier": "flex"},
    ]
    assert [assembler.feed(each) for each in chunks] == ["", "a", "b", "", ""]
    assert assembler.finished
    made = assembler.completion()
    assert (made.content, made.finish_reason, made.model) == ("ab", "stop", "gpt-1")
    assert made.usage == Usage(input_tokens=3, output_tokens=2, service_tier="flex")


def test_groq_s_usage_comes_with_the_reason() -> None:
    assembler = wire.Assembler()
    assembler.feed(chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 3, "completion_tokens": 2}}))
    assert assembler.completion().usage == Usage(input_tokens=3, output_tokens=2)


def test_calls_arrive_in_bits_and_mixed() -> None:
    assembler = wire.Assembler()
    for call in (
        {"index": 0, "id": "c0", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "c1", "function": {"name": "g", "arguments": '{"b"'}},
        {"index": 0, "function": {"arguments": '{"a": 1}'}},
        {"index": 1, "function": {"arguments": ": 2}"}},
    ):
        assembler.feed(chunk({"tool_calls": [call]}))
    assembler.feed(chunk({}, "tool_calls"))
    calls = assembler.completion().tool_calls
    assert [(call.id, call.name, dict(call.arguments)) for call in calls] == [
        ("c0", "f", {"a": 1}),
        ("c1", "g", {"b": 2}),
    ]


def test_a_stream_without_an_end_is_not_finished() -> None:
    assembler = wire.Assembler()
    assembler.feed(chunk({"content": "a"}))
    assert not assembler.finished
    assert assembler.completion().finish_reason is None


@pytest.mark.parametrize(
    "event", [{"error": {"message": "no", "code": "x"}}, {"error": "no"}, chunk({}, "error", error={"message": "no"})]
)
def test_an_error_amid_a_stream(event: dict[str, Any]) -> None:
    with pytest.raises(FaultError, match="no"):
        wire.Assembler().feed(event)


@pytest.mark.parametrize("event", [None, [], "x", {"choices": [None]}, {"choices": 7}])
def test_a_piece_that_is_none(event: Any) -> None:
    with pytest.raises(WrongShapeError):
        wire.Assembler().feed(event)
