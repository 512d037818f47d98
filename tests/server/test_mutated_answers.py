"""Vendors' answers with something wrong in them, by chance: passed on, understood, or told as the vendor's failure."""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.testing.vendors import VendorServer
from tests.server.house import ANTHROPIC, CAN, CHAT, RESPONSES, VENDOR_KEY, House
from tests.server.test_mutations import spoilt
from tests.server.upstream.endpoint import Endpoint, chunk, saying, whole

pytestmark = pytest.mark.thorough  # vendors that are asked again and again take their time

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"city": "Oslo"}'}}
USAGE = {
    "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 1},
}  # fmt: skip
THEIRS = {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 0}


def _choice(**members: Any) -> dict[str, Any]:
    return {"id": "x", "model": "odd", "choices": [{"index": 0, "finish_reason": None, **members}]}


WHOLE: dict[str, dict[str, Any]] = {
    "openai": {
        **_choice(message={"role": "assistant", "content": "hi", "tool_calls": [CALL]}, finish_reason="tool_calls"),
        "usage": USAGE, "service_tier": "default",
    },
    "anthropic": {
        "id": "m", "type": "message", "role": "assistant", "model": "odd", "stop_reason": "tool_use", "usage": THEIRS,
        "content": [{"type": "text", "text": "hi"}, {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}],
    },
}  # fmt: skip
STREAM: dict[str, list[dict[str, Any]]] = {
    "openai": [
        _choice(delta={"role": "assistant", "content": "hi"}),
        _choice(delta={"tool_calls": [{**CALL, "index": 0}]}),
        _choice(delta={}, finish_reason="tool_calls"),
        {"id": "x", "model": "odd", "choices": [], "usage": USAGE},
    ],
    "anthropic": [
        {"type": "message_start", "message": {**WHOLE["anthropic"], "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "f"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": THEIRS},
        {"type": "message_stop"},
    ],
}


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint(saying(b"")) as opened:
        yield opened


@pytest.fixture
async def house(open_house: Any, vendor: VendorServer, endpoint: Endpoint) -> House:
    common: dict[str, Any] = {"model": "odd", "tier": "premium", "capabilities": CAN, "api_key": VENDOR_KEY}
    odd = [
        LLMEntry(id=number, name=name, provider=name, api_endpoint=f"http://127.0.0.1:{endpoint.port}", **common)
        for number, name in enumerate(("openai", "anthropic"), 30)
    ]
    opened: House = await open_house(extra=odd)
    return opened


def streamed(documents: list[dict[str, Any]]) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    events = [b"event: x\ndata: " + json.dumps(document).encode() + b"\n\n" for document in documents]
    return head + b"".join(map(chunk, [*events, b"data: [DONE]\n\n", b""]))


@pytest.mark.parametrize("path", [CHAT, ANTHROPIC, RESPONSES])
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_spoilt_answer(house: House, endpoint: Endpoint, stream: bool, name: str, path: str) -> None:
    random = Random(f"{name} {path} {stream}")
    given: dict[str, Any] = {"model": name, "stream": stream, **({"input": "hi"} if path == RESPONSES else {})}
    statuses = set()
    for _ in range(100):
        if stream:
            documents = list(STREAM[name])
            for _ in range(random.randint(1, 3)):
                place = random.randrange(len(documents))
                documents[place] = spoilt(documents[place], random)
            endpoint.play = saying(streamed(documents))
        else:
            endpoint.play = saying(whole(json.dumps(spoilt(WHOLE[name], random)).encode()))
        said = await house.ask(path, headers={"x-llm-timeout": "0.4"}, **given)
        statuses.add(said.status)
        assert b"internal_error" not in said.body
        assert b"failed in a way" not in said.body
        assert said.status in (200, 400, 429, 502, 503, 504), said.body
    assert 200 in statuses
    records = house.ledger()
    assert len(records) == 100, "each call is in the ledger"
    assert all(record.usage is None or record.usage.output_tokens >= 0 for record in records)
