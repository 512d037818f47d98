"""Groq's own SDK against the double: OpenAI's words, with Groq's additions."""

from collections.abc import AsyncIterator, Iterator

import groq
import pytest
from groq.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from creative_services.testing.vendors import Fault, Reply, Tokens, ToolCall, VendorServer

MODEL = "llama-3.3-70b-versatile"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello there"}]
USAGE = Tokens(input=100, output=20, cache_read=40, reasoning=5)


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


@pytest.fixture
async def client(server: VendorServer) -> AsyncIterator[groq.AsyncGroq]:
    async with groq.AsyncGroq(base_url=server.groq_url, api_key="gsk-test", max_retries=0) as client:
        yield client


async def test_a_plain_answer(server: VendorServer, client: groq.AsyncGroq) -> None:
    server.script(Reply(text="hi", usage=USAGE))
    answer = await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer.choices[0].message.content == "hi"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 20)
    assert answer.usage.total_time is not None
    assert answer.usage.to_dict()["prompt_tokens_details"] == {"cached_tokens": 40}
    assert answer.to_dict()["x_groq"] == {"id": f"req_{server.requests[0].request_id}"}
    seen = server.requests[0]
    assert (seen.vendor, seen.path) == ("groq", "/openai/v1/chat/completions")
    assert seen.headers["authorization"] == "Bearer gsk-test"


async def test_a_stream_has_its_usage_in_x_groq(server: VendorServer, client: groq.AsyncGroq) -> None:
    server.script(Reply(text="one two", usage=USAGE, gap=0.001))
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "one", " two", None]
    assert chunks[0].x_groq is not None
    assert chunks[0].x_groq.usage is None
    assert chunks[-1].x_groq is not None
    assert chunks[-1].x_groq.usage is not None
    assert chunks[-1].x_groq.usage.prompt_tokens == 100


async def test_a_stream_asked_for_usage_has_it_in_a_chunk_of_its_own_too(
    server: VendorServer, client: groq.AsyncGroq
) -> None:
    stream = await client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, extra_body={"stream_options": {"include_usage": True}}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-2].x_groq is not None
    assert chunks[-2].x_groq.usage == chunks[-1].usage


async def test_tool_calls(server: VendorServer, client: groq.AsyncGroq) -> None:
    server.script(Reply(tool_calls=[ToolCall("weather", {"city": "Malmö"}, id="call_1")]))
    (choice,) = (await client.chat.completions.create(model=MODEL, messages=HELLO)).choices
    (call,) = choice.message.tool_calls or []
    assert (call.id, call.function.name, choice.finish_reason) == ("call_1", "weather", "tool_calls")


async def test_models_and_embeddings(server: VendorServer, client: groq.AsyncGroq) -> None:
    server.models["groq"] = ("openai/gpt-oss-20b",)
    assert [model.id for model in (await client.models.list()).data] == ["openai/gpt-oss-20b"]
    assert (await client.models.retrieve("openai/gpt-oss-20b")).owned_by == "groq"
    assert len((await client.embeddings.create(model="nomic", input="a")).data[0].embedding) == 8


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, groq.BadRequestError),
        (401, groq.AuthenticationError),
        (403, groq.PermissionDeniedError),
        (404, groq.NotFoundError),
        (408, groq.APIStatusError),
        (409, groq.ConflictError),
        (413, groq.APIStatusError),
        (422, groq.UnprocessableEntityError),
        (429, groq.RateLimitError),
        (500, groq.InternalServerError),
        (502, groq.InternalServerError),
        (503, groq.InternalServerError),
    ],
)
async def test_each_status_becomes_the_sdks_own_error(
    server: VendorServer, client: groq.AsyncGroq, status: int, error: type[groq.APIStatusError]
) -> None:
    server.script(Fault.status(status, retry_after=0.5))
    with pytest.raises(error) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "0.5"
    assert caught.value.response.headers["x-request-id"] == f"req_{server.requests[0].request_id}"


# By name, as a stream that breaks off raises the class of whichever HTTP library the SDK's version stands on.
BREAKS = {
    "cut": {"APIConnectionError", "RemoteProtocolError"},
    "stall": {"APITimeoutError", "ReadTimeout"},
    "error_event": {"APIError"},
    "malformed": {"JSONDecodeError"},
}


async def read(stream: groq.AsyncStream[ChatCompletionChunk], texts: list[str]) -> None:
    async for chunk in stream:
        texts += filter(None, [chunk.choices[0].delta.content])


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("name", BREAKS)
async def test_streams_that_break_do_so_after_so_many_pieces(
    server: VendorServer, client: groq.AsyncGroq, name: str, after: int
) -> None:
    server.script(getattr(Fault, name)(after=after, reply=Reply(text="one two three")))
    texts: list[str] = []
    # Only a stall is waited out; whatever else is slow to arrive on a busy machine is not the test's business.
    patience = 0.5 if name == "stall" else 30
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, timeout=patience)
    with pytest.raises(Exception) as caught:
        await read(stream, texts)
    assert type(caught.value).__name__ in BREAKS[name]
    assert texts == ["one", " two", " three"][:after]
    if name == "error_event":
        assert isinstance(caught.value, groq.APIError)
        assert isinstance(caught.value.body, dict)
        assert caught.value.body["type"] == "internal_server_error"
