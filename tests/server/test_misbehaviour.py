"""Whatever a caller sends: a 4xx in its own shape, and a server that goes on."""

import asyncio
import json
from typing import Any

import pytest

from creative_services.testing.vendors import VendorServer
from tests.server.house import ANTHROPIC, CHAT, EMBEDDINGS, KEY, RESPONSES, House
from tests.server.wires import document_of, exchanged, request, status_of

SURFACES = [CHAT, RESPONSES, ANTHROPIC, EMBEDDINGS]


def is_a_problem(document: Any, path: str) -> bool:
    """Whether this is an error in the shape that callers of ``path`` read."""
    if path == ANTHROPIC:
        return document["type"] == "error" and {"type", "message"} <= document["error"].keys()
    return {"message", "type", "param", "code"} == document["error"].keys()


@pytest.fixture(autouse=True)
async def _unharmed(house: House) -> Any:
    yield
    said = await house.ask()
    assert said.status == 200, "the server does not answer any more"


BODIES: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"hello",
    "half a JSON": b'{"model": "economy", "messages": [',
    "a list": b"[1, 2]",
    "a number": b"7",
    "bad UTF-8": b'{"model": "economy", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "a lone surrogate": b'{"model": "economy", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "200,000 levels deep": b'{"model": "economy", "messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a deep object": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "NaN": b'{"model": "economy", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    "a BOM": b'\xef\xbb\xbf{"model": "economy", "messages": [{"role": "user", "content": "x"}]}',
    "zeros": b"\0" * 1000,
    "no model": b'{"messages": [{"role": "user", "content": "x"}], "input": "x", "max_tokens": 9}',
    "a model that is no text": b'{"model": 7, "messages": [{"role": "user", "content": "x"}], "input": "x"}',
    "no messages": b'{"model": "economy"}',
    "messages that are none": b'{"model": "economy", "messages": [1], "input": [{}, 1], "max_tokens": 9}',
}


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_none(house: House, name: str, path: str) -> None:
    said = await house.ask(path, data=BODIES[name])
    assert said.status == 400, said.body
    assert is_a_problem(said.document, path)


@pytest.mark.parametrize("path", SURFACES)
async def test_sixty_megabytes(house: House, vendor: VendorServer, path: str) -> None:
    said = await house.ask(path, data=b"x" * 60_000_000)
    assert said.status == 413
    assert is_a_problem(said.document, path)
    assert not vendor.requests


async def test_sixty_megabytes_that_nobody_announced(house: House) -> None:
    async def pieces() -> Any:
        for _ in range(60):
            yield b"x" * 1_000_000

    said = await house.ask(data=pieces())
    assert said.status == 413


async def test_more_than_was_announced_is_the_next_request(house: House) -> None:
    answer = await exchanged(house.port, request(b"{}", length=1))
    assert status_of(answer) == 400


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "*/*"])
async def test_another_media_type(house: House, media: str) -> None:
    said = await house.ask(headers={"content-type": media})
    assert said.status == 415
    assert is_a_problem(said.document, CHAT)


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"])
async def test_json_by_its_other_names(house: House, media: str) -> None:
    assert (await house.ask(headers={"content-type": media})).status == 200


async def test_a_compressed_body(house: House) -> None:
    assert (await house.ask(headers={"content-encoding": "gzip"})).status == 415


@pytest.mark.parametrize("path", SURFACES)
async def test_an_unknown_model(house: House, path: str) -> None:
    said = await house.ask(path, model="gpt-99", input="x")
    assert said.status == 404
    assert is_a_problem(said.document, path)
    assert "gpt-99" in json.dumps(said.document)


@pytest.mark.parametrize("model", ["llm:99", "llm:x", "llm:", "tier:gold", "llm:" + "9" * 400, "a" * 100_000])
async def test_models_that_do_not_exist(house: House, model: str) -> None:
    assert (await house.ask(model=model)).status == 404


@pytest.mark.parametrize("path", SURFACES)
async def test_without_a_key_and_with_a_wrong_one(house: House, path: str) -> None:
    for key in (None, "wrong", "", KEY + "x", "ä"):
        said = await house.ask(path, key=key, input="x")
        assert said.status == 401
        assert is_a_problem(said.document, path)
        assert KEY not in said.body.decode()


async def test_a_key_in_anthropics_header(house: House) -> None:
    assert (await house.ask(ANTHROPIC, key=None, headers={"x-api-key": KEY})).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_another_method(house: House, method: str) -> None:
    assert (await house.ask(method=method)).status == 405


async def test_nothing_is_there(house: House) -> None:
    for path in ("/", "/v1", "/v1/completions", "/v1/chat/completions/", "//v1/messages", "/v1/models/no-such", "*"):
        assert status_of(await exchanged(house.port, request(path=path, method="GET"))) == 404


# Two bodies for one head is how a second request is smuggled past whoever stands in front.
SMUGGLED = {
    "both lengths": "content-length: 5\r\ntransfer-encoding: chunked\r\n",
    "two lengths": "content-length: 5\r\ncontent-length: 6\r\n",
    "a list of lengths": "content-length: 5, 6\r\n",
    "a signed length": "content-length: +5\r\n",
    "a negative length": "content-length: -5\r\n",
    "a hexadecimal length": "content-length: 0x5\r\n",
    "a space before the colon": "content-length : 5\r\n",
    "a chunk size that is none": "transfer-encoding: chunked\r\n",
    "another coding": "transfer-encoding: gzip, chunked, identity\r\n",
    "a tab in the coding's name": "transfer-encoding:\tchunked\r\ncontent-length: 5\r\n",
    "a folded line": "x-folded: a\r\n b\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n",
    "a bare line feed": "x-a: b\nx-c: d\r\n",
    "a bare carriage return": "x-a: b\rx-c: d\r\n",
    "a zero byte": "x-a: b\0c\r\n",
    "no name": ": x\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_a_smuggling_attempt(house: House, vendor: VendorServer, name: str) -> None:
    hidden = request(model="standard")
    answer = await exchanged(house.port, request(b"zz\r\n" + hidden, length=-1, headers=SMUGGLED[name]))
    assert 400 <= status_of(answer) < 500, answer[:200]
    assert b"HTTP/1.1 200" not in answer
    assert not vendor.requests


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 80,
        b"POST /v1/chat/completions HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST  /v1/chat/completions HTTP/1.1\r\n\r\n", b"\0\0\0\0\r\n\r\n",
    ],
)  # fmt: skip
async def test_no_http_at_all(house: House, data: bytes) -> None:
    answer = await exchanged(house.port, data, timeout=1.0)
    assert not answer or 400 <= status_of(answer) < 500


async def test_no_http_is_refused_in_the_callers_shape(house: House) -> None:
    answer = await exchanged(house.port, request(path=ANTHROPIC, headers="bad header\r\n"))
    assert status_of(answer) == 400
    assert is_a_problem(document_of(answer), ANTHROPIC)


async def test_a_head_without_end(house: House) -> None:
    answer = await exchanged(house.port, request(headers="x-long: " + "a" * 200_000 + "\r\n"))
    assert status_of(answer) == 431


async def test_ten_thousand_headers(house: House) -> None:
    answer = await exchanged(house.port, request(headers="".join(f"x-{n}: a\r\n" for n in range(10_000))))
    assert status_of(answer) == 431


async def test_a_value_in_the_head_cannot_become_a_header_of_the_answer(house: House) -> None:
    said = await house.ask(headers={"x-request-id": "a%0d%0aset-cookie: b=c"})
    assert "set-cookie" not in said.headers
    assert said.headers["x-request-id"].startswith("req_")


async def test_a_model_whose_name_holds_a_line_break_reaches_no_header(house: House, vendor: VendorServer) -> None:
    odd = house.registry.get_by_id(1).using(model="gpt\r\nset-cookie: a=b")
    house.registry.replace(odd)
    said = await house.ask()
    assert said.headers["x-llm-model"] == "gpt%0D%0Aset-cookie:%20a%3Db".replace("%20", " ")
    assert "set-cookie" not in said.headers


async def test_several_requests_in_one_packet_are_answered_in_their_order(house: House) -> None:
    models = ["economy", "standard", "nonsense", "economy"]
    answer = await exchanged(house.port, b"".join(request(model=model, max_tokens=9) for model in models))
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"HTTP/1.1 404 Not Found") == 1
    assert answer.index(b"gpt-small") < answer.index(b"claude-mid") < answer.index(b"404") < answer.rindex(b"gpt-small")


async def test_a_byte_at_a_time(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    for byte in request():
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert b"200 OK" in await reader.readline()
    writer.close()


async def test_asked_whether_to_go_on(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head, _, body = request(headers="expect: 100-continue\r\n").partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
    writer.write(body)
    await reader.readline()
    assert b"200 OK" in await reader.readline()
    writer.close()


async def test_http_1_0_gets_no_chunks(house: House) -> None:
    answer = await exchanged(house.port, request(stream=True).replace(b"HTTP/1.1", b"HTTP/1.0"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.startswith(b"data: {")


async def test_a_slow_body_is_given_up(open_house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creative_services.server.visits.visit.BODY_SECONDS", 0.2)
    house: House = await open_house()
    answer = await exchanged(house.port, request(b'{"model"', length=1000))
    assert status_of(answer) == 408


async def test_too_many_at_once_are_told_to_come_back(open_house: Any, vendor: VendorServer) -> None:
    from creative_services.testing.vendors import Reply

    house: House = await open_house(settings={"most_calls": 2})
    vendor.default = Reply(delay=0.3)
    answers = await asyncio.gather(*(house.ask() for _ in range(5)))
    assert sorted(said.status for said in answers) == [200, 200, 503, 503, 503]
    assert all(said.headers["retry-after"] for said in answers if said.status == 503)


@pytest.mark.parametrize(
    "members",
    [
        {"messages": [{"role": "user", "content": [1, None, {"type": "text"}, {"text": 5}, "x"]}]},
        {"messages": [{"role": 7, "content": {"a": 1}}]},
        {"messages": [{}]},
        {"messages": [{"role": "tool", "content": 5, "tool_call_id": {}}]},
        {"messages": [{"role": "assistant", "tool_calls": [1, None, {"function": 3}]}]},
        {"tools": [{"type": "function", "function": None}], "tool_choice": {"type": 1}},
        {"tools": [{"function": {"name": 1, "parameters": 5}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": 7}}}},
        {"response_format": {"type": "json_schema", "json_schema": 3}},
        {"stop": [1]}, {"stop": {"a": 1}}, {"temperature": "hot"}, {"max_tokens": -1}, {"max_tokens": 10**30},
        {"max_tokens": True}, {"seed": "x"}, {"stream": "yes"}, {"tool_choice": 7}, {"tools": "x"}, {"n": 5},
        {"stream_options": 3, "stream": True},
    ],
)  # fmt: skip
@pytest.mark.parametrize("tier", ["economy", "standard", "premium"])
async def test_odd_members_never_break_anything(house: House, tier: str, members: dict[str, Any]) -> None:
    """Relayed or translated: the vendor's answer, or a 4xx, and never our own failure."""
    said = await house.ask(model=tier, **members)
    assert said.status == 200 or 400 <= said.status < 500, said.body


@pytest.mark.parametrize(
    "members",
    [
        {"system": 5}, {"system": [1]}, {"messages": [{"role": "user", "content": [1, {"type": "image"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": 5}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": 5}]}]},
        {"tool_choice": "auto"}, {"tool_choice": {"type": []}}, {"stop_sequences": 4}, {"output_config": 3},
        {"messages": [{"role": "assistant", "content": [{"type": "text", "text": None}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "text"}, {"type": "tool_use"}]}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("tier", ["economy", "standard", "premium"])
async def test_odd_members_in_anthropics_dialect(house: House, tier: str, members: dict[str, Any]) -> None:
    said = await house.ask(ANTHROPIC, model=tier, **members)
    assert said.status == 200 or 400 <= said.status < 500, said.body


@pytest.mark.parametrize(
    "given",
    [
        5, [], [1], [{}], [{"type": 5}], [{"type": "message", "content": 5}], [{"role": "user", "content": [1, {}]}],
        [{"type": "function_call"}], [{"type": "function_call_output", "output": 5}], [{"type": "web_search_call"}],
    ],
)  # fmt: skip
@pytest.mark.parametrize("tier", ["economy", "standard", "premium"])
async def test_odd_input_in_the_responses_dialect(house: House, tier: str, given: Any) -> None:
    said = await house.ask(RESPONSES, model=tier, input=given)
    assert said.status == 200 or 400 <= said.status < 500, said.body
