"""Ollama's dialect, out and back."""

from typing import Any

import pytest

from creative_services.core.completions import Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire import ollama_chat as wire
from creative_services.wire.faults import FaultError, WrongShapeError

ENTRY = LLMEntry(id=1, name="m", provider="ollama", model="llama", tier="local", max_tokens=99, temperature=0.5)
HI = {"role": "user", "content": "hi"}
TOOL = {"name": "f", "parameters": {"type": "object"}}


def asking(**fields: Any) -> Request:
    return Request(**{"messages": (HI,), **fields})


def test_our_words_in_its_words() -> None:
    told = wire.body(ENTRY, asking(stop=("x",), seed=3, tools=(TOOL,), schema={"type": "object"}))
    assert told["options"] == {"num_predict": 99, "temperature": 0.5, "stop": ["x"], "seed": 3}
    assert (told["format"], told["stream"]) == ({"type": "object"}, False)
    assert told["tools"][0]["function"]["name"] == "f"


def test_options_are_added_up_and_not_replaced() -> None:
    entry = ENTRY.using(options={"options": {"num_ctx": 8192}, "keep_alive": "5m"})
    told = wire.body(entry, asking(extra={"options": {"num_ctx": 4096, "mirostat": 1}, "think": True}))
    assert told["options"] == {"num_predict": 99, "temperature": 0.5, "num_ctx": 4096, "mirostat": 1}
    assert (told["keep_alive"], told["think"]) == ("5m", True)


def test_no_tool_is_offered_when_none_may_be_called() -> None:
    assert "tools" not in wire.body(ENTRY, asking(tools=(TOOL,), tool_choice="none"))


def test_images_and_text_apart() -> None:
    told = wire.message({"role": "user", "content": [{"type": "text", "text": "What?"}, b"\xff\xd8\xff"]})
    assert told == {"role": "user", "content": "What?", "images": ["/9j/"]}


def test_a_link_to_an_image_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="Pass the bytes"):
        wire.message({"role": "user", "content": [{"type": "image", "image": "https://example.com/a.png"}]})


def test_calls_and_results_of_before() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    told = wire.message({"role": "assistant", "content": None, "tool_calls": [call]})
    assert told["tool_calls"] == [{"function": {"name": "f", "arguments": {"a": 1}}}]
    told = wire.message({"role": "tool", "name": "f", "content": "17"})
    assert told == {"role": "tool", "content": "17", "tool_name": "f"}


def test_an_answer() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    made = wire.completion(
        {"model": "l", "message": {"content": "x", "tool_calls": [call]}, "prompt_eval_count": 3, "eval_count": 4}
    )
    assert (made.content, made.finish_reason, made.usage) == ("x", "tool_calls", Usage(input_tokens=3, output_tokens=4))
    assert made.tool_calls[0].id, "a call has an id even where the vendor gives none"


def test_missing_usage_is_none() -> None:
    assert wire.completion({"message": {"content": "x"}}).usage is None


def test_a_stream_is_put_together() -> None:
    assembler = wire.Assembler()
    assert assembler.feed({"message": {"content": "a"}, "done": False}) == "a"
    assert not assembler.finished
    last = {"message": {"content": "b"}, "done": True, "done_reason": "length", "eval_count": 2, "model": "l"}
    assert assembler.feed(last) == "b"
    made = assembler.completion()
    assert (made.content, made.finish_reason, made.model) == ("ab", "length", "l")
    assert made.usage == Usage(output_tokens=2)


def test_errors() -> None:
    with pytest.raises(FaultError, match="no room"):
        wire.Assembler().feed({"error": "no room"})
    with pytest.raises(FaultError, match="no room"):
        wire.completion({"error": "no room"})


@pytest.mark.parametrize("wrong", [None, [], {}, {"message": None}, {"message": {"tool_calls": [7]}}])
def test_what_is_no_answer(wrong: Any) -> None:
    with pytest.raises(WrongShapeError):
        wire.completion(wrong)
    with pytest.raises(WrongShapeError):
        wire.Assembler().feed(wrong)
