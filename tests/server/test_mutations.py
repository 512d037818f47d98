"""Good requests with something wrong in them, by chance: an answer or a 4xx, and never our own failure."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.server.house import ANTHROPIC, CHAT, EMBEDDINGS, RESPONSES, House

PNG = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
GOOD: dict[str, dict[str, Any]] = {
    CHAT: {
        "model": "economy", "temperature": 0.5, "top_p": 0.9, "max_tokens": 9, "stop": ["x"], "seed": 3, "user": "ada",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": PNG}}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"city\": \"Oslo\"}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA, "strict": True}},
        "stream_options": {"include_usage": True}, "stream": True,
    },
    RESPONSES: {
        "model": "economy", "instructions": "Be brief.", "max_output_tokens": 9, "temperature": 1, "store": False,
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": PNG}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "sunny"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "so"}]},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}], "tool_choice": "auto",
        "text": {"format": {"type": "json_schema", "name": "w", "schema": SCHEMA}}, "stream": True,
    },
    ANTHROPIC: {
        "model": "economy", "max_tokens": 9, "temperature": 0.5, "top_k": 3, "stop_sequences": ["x"],
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "hi"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "sunny"}]}]},
        ],
        "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "f"}, "metadata": {"user_id": "ada"}, "stream": True,
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    },
    EMBEDDINGS: {"model": "economy", "input": ["a", "b"], "encoding_format": "float", "dimensions": 8, "user": "ada"},
}  # fmt: skip
WRONG: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, 1e308, "", "x", "\0", "x" * 5000, "☃\U0001f600", [], {}, [None], [[]],
    {"": {}}, {"type": None}, {"type": "text"}, [{"type": "image_url"}], "auto", "data:image/png;base64,", "data:,",
    "file:///etc/passwd",
]  # fmt: skip


def places(value: Any, holder: Any = None, name: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every member and every item, however deep."""
    if holder is not None:
        yield holder, name
    if isinstance(value, dict):
        for key in list(value):
            yield from places(value[key], value, key)
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], value, index)


def spoilt(good: dict[str, Any], random: Random) -> dict[str, Any]:
    """A copy with one to three places changed, emptied or doubled."""
    document = copy.deepcopy(good)
    for _ in range(random.randint(1, 3)):
        if not document:
            break
        holder, name = random.choice(list(places(document)))
        what = random.random()
        if what < 0.7:
            holder[name] = copy.deepcopy(random.choice(WRONG))
        elif what < 0.85:
            del holder[name]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[name]))
    return document


@pytest.mark.parametrize("model", ["economy", "standard", "premium", "local"])
@pytest.mark.parametrize("path", GOOD)
async def test_a_spoilt_request_is_never_our_failure(house: House, path: str, model: str) -> None:
    random = Random(f"{path} {model}")
    seen = set()
    for _ in range(120):
        document = spoilt({**GOOD[path], "model": model, "stream": random.random() < 0.5}, random)
        said = await house.ask(path, data=json.dumps(document).encode())
        seen.add(said.status)
        assert said.status == 200 or 400 <= said.status < 500, (said.body, document)
    assert 400 in seen
    assert path == EMBEDDINGS or 200 in seen
