"""Ollama's API against the double, with plain HTTP and, where it is installed, Ollama's own client."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from creative_services.testing.vendors import Fault, Reply, Tokens, ToolCall, VendorServer

HELLO = [{"role": "user", "content": "hello there"}]


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


def call(server: VendorServer, path: str, body: Any = None) -> tuple[int, str, bytes]:
    client = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    try:
        client.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        answer = client.getresponse()
        return answer.status, answer.getheader("content-type", ""), answer.read()
    finally:
        client.close()


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_a_plain_chat(server: VendorServer) -> None:
    server.script(Reply(text="hi", usage=Tokens(input=26, output=3)))
    status, kind, data = call(server, "/api/chat", {"model": "llama3.2", "messages": HELLO, "stream": False})
    answer = json.loads(data)
    assert (status, kind) == (200, "application/json")
    assert answer["message"] == {"role": "assistant", "content": "hi"}
    assert (answer["done"], answer["done_reason"]) == (True, "stop")
    assert (answer["prompt_eval_count"], answer["eval_count"]) == (26, 3)


def test_a_chat_streams_unless_told_not_to(server: VendorServer) -> None:
    server.script(Reply(text="one two", usage=Tokens(input=26, output=3)))
    _, kind, data = call(server, "/api/chat", {"model": "llama3.2", "messages": HELLO})
    assert kind == "application/x-ndjson"
    assert [line["message"]["content"] for line in lines(data)] == ["one", " two", ""]
    assert [line["done"] for line in lines(data)] == [False, False, True]
    assert "eval_count" not in lines(data)[0]
    assert lines(data)[-1]["eval_count"] == 3


def test_tool_calls_have_parsed_arguments(server: VendorServer) -> None:
    server.script(Reply(tool_calls=[ToolCall("weather", {"city": "Malmö"})]))
    _, _, data = call(server, "/api/chat", {"model": "llama3.2", "messages": HELLO, "stream": False})
    (tool_call,) = json.loads(data)["message"]["tool_calls"]
    assert tool_call["function"]["arguments"] == {"city": "Malmö"}


def test_generate_answers_in_its_own_field(server: VendorServer) -> None:
    _, _, data = call(server, "/api/generate", {"model": "llama3.2", "prompt": "hi", "stream": False})
    assert json.loads(data)["response"] == "Hello from llama3.2."
    _, _, data = call(server, "/api/generate", {"model": "llama3.2", "prompt": "hi"})
    assert "".join(line["response"] for line in lines(data)) == "Hello from llama3.2."


def test_the_endpoints_around_it(server: VendorServer) -> None:
    tags = json.loads(call(server, "/api/tags")[2])
    assert [model["name"] for model in tags["models"]] == ["llama3.2:latest", "nomic-embed-text:latest"]
    assert json.loads(call(server, "/api/version")[2])["version"]
    assert json.loads(call(server, "/api/show", {"model": "llama3.2"})[2])["capabilities"] == ["completion", "tools"]
    assert call(server, "/api/show", {"model": "none"})[0] == 404
    embedded = json.loads(call(server, "/api/embed", {"model": "nomic-embed-text", "input": ["a", "b"]})[2])
    assert [len(vector) for vector in embedded["embeddings"]] == [8, 8]


def test_an_error_is_one_line_of_text(server: VendorServer) -> None:
    server.script(Fault.named("model_not_found"))
    status, _, data = call(server, "/api/chat", {"model": "nobody", "messages": HELLO})
    assert (status, json.loads(data)) == (404, {"error": "model 'nobody' not found"})


def test_an_error_in_a_stream_is_a_line_of_it(server: VendorServer) -> None:
    server.script(Fault.error_event(after=1, reply=Reply(text="one two")))
    status, _, data = call(server, "/api/chat", {"model": "llama3.2", "messages": HELLO})
    first, last = lines(data)
    assert (status, first["message"]["content"], list(last)) == (200, "one", ["error"])


def test_only_a_wrong_key_is_refused(server: VendorServer) -> None:
    server.require_keys({"sk-test"})
    assert call(server, "/api/version")[0] == 200


async def test_ollamas_own_client(server: VendorServer) -> None:
    ollama = pytest.importorskip("ollama", reason="Ollama's own client is not installed: pip install ollama")
    server.script(Reply(text="one two"), Reply(tool_calls=[ToolCall("add", {"a": 1})]), Fault.status(500))
    client = ollama.AsyncClient(host=server.ollama_url)
    try:
        stream = await client.chat("llama3.2", messages=HELLO, stream=True)
        assert "".join([part.message.content async for part in stream]) == "one two"
        answer = await client.chat("llama3.2", messages=HELLO)
        assert answer.message.tool_calls[0].function.arguments == {"a": 1}
        with pytest.raises(ollama.ResponseError) as caught:
            await client.chat("llama3.2", messages=HELLO)
        assert caught.value.status_code == 500
        assert len((await client.list()).models) == 2
        assert (await client.show("llama3.2")).capabilities == ["completion", "tools"]
        assert len((await client.embed("nomic-embed-text", "a")).embeddings[0]) == 8
    finally:
        await client._client.aclose()
