"""Endpoints as they are met: compressed, chatty, silent about usage, redirecting, answering in HTML."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.testing.vendors import VendorServer
from tests.server.house import ANTHROPIC, CAN, CHAT, RESPONSES, VENDOR_KEY, House, Said
from tests.server.upstream.endpoint import Endpoint, chunk, saying, whole

SURFACES = [CHAT, ANTHROPIC, RESPONSES]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def answer(text: str = "hello", **members: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "model": "odd", "choices": [choice], "usage": USAGE, **members}


def piece(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "x", "object": "chat.completion.chunk", "model": "odd", "choices": [choice]}


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def stream(*pieces: bytes, headers: str = "", kind: str = "text/event-stream") -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n{headers}\r\n".encode()
    return head + b"".join(map(chunk, pieces)) + chunk(b"")


PLAIN = [event(piece(content="hel")), event(piece(content="lo")), event(piece("stop"))]
LAST = event({**piece(), "choices": [], "usage": USAGE})
DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint(saying(whole(json.dumps(answer()).encode()))) as opened:
        yield opened


@pytest.fixture
async def house(open_house: Any, vendor: VendorServer, endpoint: Endpoint) -> House:
    odd = LLMEntry(
        id=30, name="Odd", provider="openai", model="odd", tier="economy", capabilities=CAN, api_key=VENDOR_KEY,
        api_endpoint=f"http://127.0.0.1:{endpoint.port}/v1", cost_per_1k_input=1, cost_per_1k_output=1,
    )  # fmt: skip
    opened: House = await open_house(extra=[odd])
    return opened


async def ask(house: House, path: str, **members: Any) -> Said:
    given: dict[str, Any] = {"input": "hi"} if path == RESPONSES else {}
    return await house.ask(path, model="Odd", headers={"x-llm-timeout": "3"}, **given, **members)


def text_in(said: Said, path: str) -> str:
    """What the model said, whatever the shape."""
    if path == CHAT:
        return "".join(c["delta"].get("content") or "" for e in said.events for c in e.get("choices", ()))
    deltas = (e.get("delta") for e in said.events)
    return "".join(d if isinstance(d, str) else d.get("text", "") for d in deltas if d)


def whole_text_in(said: Said, path: str) -> str:
    document = said.document
    if path == CHAT:
        return str(document["choices"][0]["message"]["content"])
    return str((document["content"] if path == ANTHROPIC else document["output"][0]["content"])[0]["text"])


def told_of_an_error(said: Said) -> bool:
    if said.headers["content-type"].startswith("text/event-stream"):
        last = said.events[-1]
        return "error" in last or last.get("type") == "error"
    return "error" in said.document and said.status >= 400


@pytest.mark.parametrize("path", SURFACES)
class TestWhole:
    async def test_compressed_though_nobody_asked_for_it(self, house: House, endpoint: Endpoint, path: str) -> None:
        body = gzip.compress(json.dumps(answer()).encode())
        endpoint.play = saying(whole(body, headers="content-type: application/json\r\ncontent-encoding: gzip\r\n"))
        said = await ask(house, path)
        assert said.status == 502
        assert "compressed (gzip)" in said.document["error"]["message"]

    @pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
    async def test_a_redirect_is_not_followed(self, house: House, endpoint: Endpoint, path: str, status: str) -> None:
        # The key would travel along to whoever the redirect names.
        endpoint.play = saying(whole(b"", status=status, headers=f"location: http://127.0.0.1:{endpoint.port}/x\r\n"))
        said = await ask(house, path)
        assert said.status == 502
        assert len({seen.split(b" ")[1] for seen in endpoint.seen}) == 1
        assert told_of_an_error(said)

    async def test_something_in_between(self, house: House, endpoint: Endpoint, path: str) -> None:
        hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        endpoint.play = saying(hints + whole(json.dumps(answer()).encode()))
        said = await ask(house, path)
        assert (said.status, whole_text_in(said, path)) == (200, "hello")
        assert "link" not in said.headers

    @pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "502 Bad Gateway", "200 OK"])
    async def test_a_page_of_html(self, house: House, endpoint: Endpoint, path: str, status: str) -> None:
        page = b"<!doctype html><html><head><title>Blocked by example</title></head><body><h1>No</h1></body></html>"
        endpoint.play = saying(whole(page, status=status, headers="content-type: text/html\r\n"))
        said = await ask(house, path)
        assert said.headers["content-type"] == "application/json"
        assert told_of_an_error(said)
        assert "<h1>" not in said.body.decode()

    async def test_an_error_with_a_good_status(self, house: House, endpoint: Endpoint, path: str) -> None:
        error = {"error": {"message": "This model has no credits left.", "type": "x", "code": 402}}
        endpoint.play = saying(whole(json.dumps(error).encode()))
        said = await ask(house, path)
        assert said.status >= 400
        assert "no credits left" in said.document["error"]["message"]
        (record,) = house.ledger()
        assert record.status == said.status

    async def test_an_error_that_is_a_text(self, house: House, endpoint: Endpoint, path: str) -> None:
        endpoint.play = saying(whole(b'{"error": "the model is loading"}', status="503 Service Unavailable"))
        said = await ask(house, path)
        assert said.status == 503
        assert "the model is loading" in said.document["error"]["message"]

    async def test_without_usage_it_is_estimated(self, house: House, endpoint: Endpoint, path: str) -> None:
        body = {name: value for name, value in answer("word " * 40).items() if name != "usage"}
        endpoint.play = saying(whole(json.dumps(body).encode()))
        said = await ask(house, path)
        assert said.status == 200
        (record,) = house.ledger()
        assert record.usage.estimated
        assert 20 <= record.usage.output_tokens <= 100
        assert record.cost

    async def test_headers_of_the_vendor_stay_with_us(self, house: House, endpoint: Endpoint, path: str) -> None:
        secret = "set-cookie: session=1\r\nopenai-organization: ours\r\nx-ratelimit-remaining-requests: 1\r\n"
        endpoint.play = saying(whole(json.dumps(answer()).encode(), headers=secret))
        said = await ask(house, path)
        assert said.status == 200
        assert not {"set-cookie", "openai-organization", "x-ratelimit-remaining-requests"} & said.headers.keys()

    async def test_nothing_but_null(self, house: House, endpoint: Endpoint, path: str) -> None:
        for body in (b"null", b"[]", b'"hello"', b"{}", b'{"choices": []}', b'{"choices": null}', b'{"choices": [{}]}'):
            endpoint.play = saying(whole(body))
            said = await ask(house, path)
            assert said.status in (200, 502), body
            assert isinstance(said.document, dict)


@pytest.mark.parametrize("path", SURFACES)
class TestStreams:
    @pytest.mark.parametrize("ending", [[DONE], []], ids=["[DONE]", "no last word"])
    async def test_without_usage_it_is_estimated(
        self, house: House, endpoint: Endpoint, path: str, ending: list[bytes]
    ) -> None:
        endpoint.play = saying(stream(event(piece(content="word " * 40)), *PLAIN, *ending))
        said = await ask(house, path, stream=True)
        assert text_in(said, path).endswith("hello")
        told = [e.get("usage") or (e.get("response") or {}).get("usage") for e in said.events]
        assert [each["total_tokens" if path != ANTHROPIC else "output_tokens"] for each in told if each][-1] > 20
        (record,) = house.ledger()
        assert record.usage.estimated
        assert 20 <= record.usage.output_tokens <= 100
        assert record.cost

    @pytest.mark.parametrize(
        "pieces",
        [
            [b": ping\n\n", *PLAIN, b": ping\n\n", LAST, DONE],
            [b"event: message\nid: 7\nretry: 10\n" + PLAIN[0], *PLAIN[1:], LAST, DONE],
            [one.replace(b"\n", b"\r\n") for one in (*PLAIN, LAST, DONE)],
            [one.replace(b"data: ", b"data:") for one in (*PLAIN, LAST, DONE)],
            [b"\xef\xbb\xbf" + PLAIN[0], *PLAIN[1:], LAST, DONE],
            [PLAIN[0].replace(b', "choices"', b',\ndata: "choices"'), *PLAIN[1:], LAST, DONE],
            [bytes([byte]) for one in (*PLAIN, LAST, DONE) for byte in one],
            [b"".join((*PLAIN, LAST, DONE))],
            [b"\n\n\n", *PLAIN, LAST, DONE, b"\n"],
            [*PLAIN, LAST],
            [*PLAIN[:-1], event({**piece("stop"), "usage": USAGE}), DONE],
            [event({**piece(), "choices": [], "prompt_filter_results": []}), *PLAIN, LAST, DONE],
        ],
        ids=["pings", "other fields", "CRLF", "no space", "a BOM", "data on two lines", "a byte at a time",
             "all at once", "empty lines", "no [DONE]", "usage on the last choice", "an empty first chunk"],
    )  # fmt: skip
    async def test_every_way_to_write_events(
        self, house: House, endpoint: Endpoint, path: str, pieces: list[bytes]
    ) -> None:
        endpoint.play = saying(stream(*pieces))
        said = await ask(house, path, stream=True)
        assert said.status == 200, said.body
        (record,) = house.ledger()
        assert (record.status, record.error) == (200, "")
        assert (record.usage.input_tokens, record.usage.output_tokens) == (7, 3), record.usage
        if path != CHAT:  # what is relayed comes as it was written
            assert text_in(said, path) == "hello"

    async def test_one_huge_event(self, house: House, endpoint: Endpoint, path: str) -> None:
        endpoint.play = saying(stream(event(piece(content="x" * 3_000_000)), PLAIN[-1], LAST, DONE))
        said = await ask(house, path, stream=True)
        assert len(text_in(said, path)) == 3_000_000
        (record,) = house.ledger()
        assert record.usage.output_tokens == 3

    async def test_an_event_without_end_is_bounded(self, house: House, endpoint: Endpoint, path: str) -> None:
        endless = [b"data: " + b"x" * 1_000_000, *([b"x" * 1_000_000] * 40)]
        endpoint.play = saying(stream(PLAIN[0], *endless))
        said = await ask(house, path, stream=True)
        assert told_of_an_error(said)
        (record,) = house.ledger()
        assert record.error == "StreamInterruptedError"

    @pytest.mark.parametrize("cut", [PLAIN[1][:30], PLAIN[1][:-1], b"da", b"event: x\n"])
    async def test_cut_amid_an_event(self, house: House, endpoint: Endpoint, path: str, cut: bytes) -> None:
        """Half an event would swallow the error that follows it."""
        endpoint.play = saying(stream(PLAIN[0], cut).removesuffix(chunk(b"")), close=True)
        said = await ask(house, path, stream=True)
        assert text_in(said, path) == "hel"
        assert told_of_an_error(said)

    async def test_compressed(self, house: House, endpoint: Endpoint, path: str) -> None:
        body = gzip.compress(b"".join((*PLAIN, LAST, DONE)))
        endpoint.play = saying(stream(body, headers="content-encoding: gzip\r\n"))
        said = await ask(house, path, stream=True)
        assert said.status == 502
        assert "compressed (gzip)" in said.document["error"]["message"]

    async def test_a_whole_answer_instead(self, house: House, endpoint: Endpoint, path: str) -> None:
        body = json.dumps(answer()).encode()
        endpoint.play = saying(whole(body, headers="content-type: application/json\r\n"))
        said = await ask(house, path, stream=True)
        assert said.status == 502
        assert told_of_an_error(said)

    async def test_an_error_as_the_first_event(self, house: House, endpoint: Endpoint, path: str) -> None:
        endpoint.play = saying(stream(event({"error": {"message": "overloaded, sorry", "code": 503}})))
        said = await ask(house, path, stream=True)
        assert said.status >= 400
        assert "overloaded, sorry" in said.document["error"]["message"]

    async def test_an_error_with_a_good_status_and_no_event(self, house: House, endpoint: Endpoint, path: str) -> None:
        body = b'{"error": {"message": "no credits left", "code": 402}}'
        endpoint.play = saying(whole(body, headers="content-type: application/json\r\n"))
        said = await ask(house, path, stream=True)
        assert said.status >= 400
        assert told_of_an_error(said)

    async def test_calls_that_share_an_index(self, house: House, endpoint: Endpoint, path: str) -> None:
        """Some servers number every call of a turn 0, and tell them apart by their ids."""
        calls = [
            piece(tool_calls=[{"index": 0, "id": call_id, "type": "function",
                               "function": {"name": "weather", "arguments": json.dumps({"city": city})}}])
            for call_id, city in (("a", "Oslo"), ("b", "Rome"))
        ]  # fmt: skip
        endpoint.play = saying(stream(*map(event, calls), event(piece("tool_calls")), LAST, DONE))
        said = await ask(house, path, stream=True)
        assert said.status == 200
        if path == ANTHROPIC:
            inputs = [e["delta"]["partial_json"] for e in said.events if e.get("delta", {}).get("partial_json")]
            assert [json.loads(each) for each in inputs] == [{"city": "Oslo"}, {"city": "Rome"}]
        elif path == RESPONSES:
            output = said.events[-1]["response"]["output"]
            assert [item["arguments"] for item in output] == ['{"city": "Oslo"}', '{"city": "Rome"}']

    async def test_calls_without_an_index(self, house: House, endpoint: Endpoint, path: str) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
        endpoint.play = saying(stream(event(piece(tool_calls=[call])), event(piece("tool_calls")), LAST, DONE))
        said = await ask(house, path, stream=True)
        assert said.status == 200
        assert not told_of_an_error(said)
        assert b"Oslo" in said.body
