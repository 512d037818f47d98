"""What we write in a dialect, our own reading of that dialect understands: whole answers and streams."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_services.core.completions import Completion, ToolCall
from creative_services.core.usage import Usage
from creative_services.wire import anthropic_messages, anthropic_outbound, openai_chat, openai_outbound
from creative_services.wire.anthropic_deltas import MessagesReader
from creative_services.wire.deltas import ArgumentsDelta, CallBegun, Delta, TextDelta, ThoughtDelta
from creative_services.wire.openai_deltas import ChatReader
from creative_services.wire.outbound import Answering
from creative_services.wire.sse import EventDecoder

ABOUT = Answering(id="1", model="m", created=1)

texts = st.text(max_size=30)
words = st.text("abcdefgh_", min_size=1, max_size=8)


@st.composite
def calls(draw: st.DrawFn, place: int) -> ToolCall:
    arguments = draw(st.dictionaries(words, st.integers() | texts, max_size=3))
    return ToolCall(id=f"call_{place}", name=draw(words), arguments=arguments, arguments_text=json.dumps(arguments))


@st.composite
def completions(draw: st.DrawFn) -> Completion:
    called = tuple(draw(calls(place)) for place in range(draw(st.integers(0, 3))))
    cached, plain = draw(st.integers(0, 1000)), draw(st.integers(0, 1000))
    return Completion(
        content=draw(texts),
        tool_calls=called,
        finish_reason="tool_calls" if called else draw(st.sampled_from(["stop", "length", "content_filter"])),
        usage=Usage(input_tokens=cached + plain, output_tokens=draw(st.integers(0, 1000)), cached_tokens=cached),
        model="m",
    )


def deltas_of(completion: Completion, cut: int, *, thought: str = "") -> Iterator[Delta]:
    """A stream that says the same."""
    if thought:
        yield ThoughtDelta(thought)
    text = completion.content
    for piece in (text[:cut], text[cut:]):
        if piece:
            yield TextDelta(piece)
    for place, call in enumerate(completion.tool_calls):
        yield CallBegun(place, call.id, call.name)
        half = len(call.arguments_text) // 2
        yield ArgumentsDelta(place, call.arguments_text[:half])
        yield ArgumentsDelta(place, call.arguments_text[half:])


def same(read: Completion, written: Completion) -> None:
    assert read.content == written.content
    assert [(c.id, c.name, c.arguments) for c in read.tool_calls] == [
        (c.id, c.name, c.arguments) for c in written.tool_calls
    ]
    assert read.finish_reason == written.finish_reason
    assert read.usage == written.usage


DIALECTS: dict[str, Any] = {
    "openai": (openai_outbound.answer, openai_chat.completion, openai_outbound.ChatWriter, ChatReader),
    "anthropic": (
        anthropic_outbound.answer, anthropic_messages.completion, anthropic_outbound.MessagesWriter, MessagesReader,
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@given(completion=completions())
def test_a_whole_answer(dialect: str, completion: Completion) -> None:
    write, read, _, _ = DIALECTS[dialect]
    same(read(json.loads(json.dumps(write(ABOUT, completion)))), completion)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=200)
@given(completion=completions(), cut=st.integers(0, 30), size=st.integers(1, 200), told=st.booleans(), thought=texts)
def test_a_stream(dialect: str, completion: Completion, cut: int, size: int, told: bool, thought: str) -> None:
    """However it is cut into pieces, and whether its calls were told bit by bit or only at the end."""
    _, _, make_writer, make_reader = DIALECTS[dialect]
    writer, reader = make_writer(ABOUT), make_reader()
    deltas = deltas_of(completion, cut, thought=thought)
    said = [delta for delta in deltas if told or isinstance(delta, TextDelta | ThoughtDelta)]
    stream = writer.open() + writer.write(said) + writer.close(completion)
    decoder, thoughts = EventDecoder(), ""
    for place in range(0, len(stream), size):
        for event in decoder.feed(stream[place : place + size]):
            if event.data != b"[DONE]":
                for delta in reader.feed(json.loads(event.data)):
                    thoughts += delta.text if isinstance(delta, ThoughtDelta) else ""
    same(reader.completion(), completion)
    assert thoughts == thought


def test_a_schema_asked_for_through_a_tool_is_text_to_the_caller() -> None:
    """Anthropic's way to answer in a shape is a call of a tool; in a stream too its arguments are the answer."""
    reader = MessagesReader()
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0,
         "content_block": {"type": "tool_use", "id": "t", "name": "structured_answer", "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a":'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "1}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]  # fmt: skip
    deltas = [delta for event in events for delta in reader.feed(event)]
    assert deltas == [TextDelta('{"a":'), TextDelta("1}")]
    assert (reader.completion().content, reader.completion().finish_reason) == ('{"a":1}', "stop")
    assert reader.finished
