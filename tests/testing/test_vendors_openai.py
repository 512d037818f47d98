"""OpenAI's own SDK against the double: what it reads, and which of its errors each fault becomes."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from creative_services.testing.vendors import Fault, Reply, Tokens, ToolCall, VendorServer

MODEL = "gpt-4o-mini"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello there"}]
USAGE = Tokens(input=100, output=20, cache_read=40, cache_write=8, reasoning=5)


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


@pytest.fixture
async def client(server: VendorServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="sk-test", max_retries=0) as client:
        yield client


async def test_a_plain_answer(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer.choices[0].message.content == "Hello from gpt-4o-mini."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id == f"req_{server.requests[0].request_id}"
    assert answer.id == f"chatcmpl-{server.requests[0].request_id}"


def test_the_synchronous_client_reads_it_too(server: VendorServer) -> None:
    with openai.OpenAI(base_url=server.openai_url, api_key="sk-test", max_retries=0) as client:
        assert client.chat.completions.create(model=MODEL, messages=HELLO).model == MODEL


async def test_what_was_asked_is_seen(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    await client.chat.completions.create(model=MODEL, messages=HELLO, temperature=0.5)
    (seen,) = server.requests
    assert (seen.vendor, seen.path, seen.model) == ("openai", "/v1/chat/completions", MODEL)
    assert seen.headers["authorization"] == "Bearer sk-test"
    assert seen.body == {"model": MODEL, "messages": HELLO, "temperature": 0.5}
    assert "sk-test" not in repr(seen)


async def test_usage_in_openais_words(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply(text="hi", usage=USAGE, finish_reason="length"))
    answer = await client.chat.completions.create(model=MODEL, messages=HELLO)
    usage = answer.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (100, 20)
    assert usage.prompt_tokens_details.cached_tokens == 40
    assert usage.completion_tokens_details.reasoning_tokens == 5
    assert answer.choices[0].finish_reason == "length"


async def test_a_stream_and_its_usage_at_the_end(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply(text="one two three", usage=USAGE, gap=0.001))
    stream = await client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert texts == ["", "one", " two", " three", None]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 100
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_that_was_not_asked_for_usage_has_none(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


CALLS = [ToolCall("weather", {"city": "Malmö"}, id="call_1"), ToolCall("time")]


async def test_tool_calls(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply(tool_calls=CALLS))
    (choice,) = (await client.chat.completions.create(model=MODEL, messages=HELLO)).choices
    calls = choice.message.tool_calls or []
    assert [(call.function.name, call.function.arguments) for call in calls if call.type == "function"] == [
        ("weather", CALLS[0].arguments_json),
        ("time", "{}"),
    ]
    assert calls[0].id == "call_1"
    assert calls[1].id
    assert (choice.message.content, choice.finish_reason) == (None, "tool_calls")


async def test_tool_calls_in_a_stream_are_joined_by_the_sdk(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply(text="Let me look.", tool_calls=CALLS))
    async with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        final = await stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Let me look."
    assert [call.function.arguments for call in message.tool_calls or []] == [CALLS[0].arguments_json, "{}"]


async def test_structured_output(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply(json={"answer": 42}))
    answer = await client.chat.completions.create(model=MODEL, messages=HELLO, response_format={"type": "json_object"})
    assert answer.choices[0].message.content == '{"answer": 42}'


async def test_embeddings_are_the_same_in_both_encodings(client: openai.AsyncOpenAI) -> None:
    packed = await client.embeddings.create(model="text-embedding-3-small", input=["a", "b", "a"])
    plain = await client.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float")
    first, second, again = (item.embedding for item in packed.data)
    assert first == again == plain.data[0].embedding
    assert first != second
    assert len(first) == 8
    wide = await client.embeddings.create(model="text-embedding-3-small", input="a", dimensions=256)
    assert len(wide.data[0].embedding) == 256


async def test_models(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.models["openai"] = ("gpt-4o", "org/slashed")
    assert [model.id async for model in client.models.list()] == ["gpt-4o", "org/slashed"]
    assert (await client.models.retrieve("org/slashed")).id == "org/slashed"
    with pytest.raises(openai.NotFoundError) as caught:
        await client.models.retrieve("gpt-none")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (408, openai.APIStatusError),
        (409, openai.ConflictError),
        (413, openai.APIStatusError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (502, openai.InternalServerError),
        (503, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
async def test_each_status_becomes_the_sdks_own_error(
    server: VendorServer, client: openai.AsyncOpenAI, status: int, error: type[openai.APIStatusError]
) -> None:
    server.script(Fault.status(status, retry_after=7, retry_after_ms=250))
    with pytest.raises(error) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response.headers["retry-after-ms"] == "250"
    assert caught.value.request_id == f"req_{server.requests[0].request_id}"


@pytest.mark.parametrize(
    ("code", "status", "param"),
    [
        ("unsupported_parameter", 400, "max_tokens"),
        ("context_length_exceeded", 400, "messages"),
        ("content_filter", 400, None),
        ("insufficient_quota", 429, None),
        ("model_not_found", 404, None),
        ("overloaded", 503, None),
    ],
)
async def test_named_errors(
    server: VendorServer, client: openai.AsyncOpenAI, code: str, status: int, param: str | None
) -> None:
    server.script(Fault.named(code))
    with pytest.raises(openai.APIStatusError) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code, caught.value.param) == (status, code, param)


async def test_a_script_may_word_the_error_itself(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Fault.status(400, code="odd", param="seed", message="No such seed.", error_type="odd_error"))
    with pytest.raises(openai.BadRequestError, match="No such seed") as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.code, caught.value.param, caught.value.type) == ("odd", "seed", "odd_error")


async def test_other_keys_are_refused(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.require_keys({"sk-other"})
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.models.list()
    assert caught.value.code == "invalid_api_key"
    server.require_keys({"sk-test"})
    assert (await client.models.list()).data


@pytest.mark.parametrize("fault", [Fault.drop(), Fault.cut()], ids=["drop", "cut"])
@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_a_connection_that_breaks(
    server: VendorServer, client: openai.AsyncOpenAI, fault: Fault, delay: float
) -> None:
    server.default = Reply(delay=delay)
    server.script(fault)
    with pytest.raises(openai.APIConnectionError):
        await client.chat.completions.create(model=MODEL, messages=HELLO)


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(), Fault.slow(30)], ids=["hang", "stall", "slow"])
async def test_a_vendor_that_takes_too_long(server: VendorServer, client: openai.AsyncOpenAI, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises(openai.APITimeoutError):
        await client.chat.completions.create(model=MODEL, messages=HELLO, timeout=0.1)
    assert (await server.cancelled()).model == MODEL


async def test_answers_that_are_no_answers(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    create = client.chat.completions.with_raw_response.create
    server.script(Fault.malformed(), Fault.empty())
    malformed, empty = [await create(model=MODEL, messages=HELLO) for _ in range(2)]
    with pytest.raises(ValueError, match=r"Unterminated|delimiter|Expecting"):
        malformed.http_response.json()
    assert empty.http_response.content == b""
    server.script(Fault.html(502))
    with pytest.raises(openai.InternalServerError) as caught:
        await create(model=MODEL, messages=HELLO)
    assert caught.value.response.headers["content-type"] == "text/html"
    assert "<html>" in str(caught.value.body)


# By name, as a stream that breaks off raises the class of whichever HTTP library the SDK's version stands on.
BREAKS = {
    "cut": {"APIConnectionError", "RemoteProtocolError"},
    "stall": {"APITimeoutError", "ReadTimeout"},
    "error_event": {"APIError"},
    "malformed": {"JSONDecodeError"},
}


async def read(client: openai.AsyncOpenAI, texts: list[str], patience: float) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, timeout=patience)
    async for chunk in stream:
        texts += filter(None, [chunk.choices[0].delta.content])


@pytest.mark.parametrize("gap", [0.0, 0.001])
@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("name", BREAKS)
async def test_streams_that_break_do_so_after_so_many_pieces(
    server: VendorServer, client: openai.AsyncOpenAI, name: str, after: int, gap: float
) -> None:
    server.script(getattr(Fault, name)(after=after, reply=Reply(text="one two three", gap=gap)))
    texts: list[str] = []
    with pytest.raises(Exception) as caught:
        # Only a stall is waited out; whatever else is slow to arrive on a busy machine is not the test's business.
        await read(client, texts, 0.5 if name == "stall" else 30)
    assert type(caught.value).__name__ in BREAKS[name]
    assert texts == ["one", " two", " three"][:after]


async def test_a_client_that_cancels_is_seen_leaving(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Fault.hang())
    call = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=HELLO))
    await server.arrived()
    call.cancel()
    seen = await server.cancelled()
    assert seen.cancelled_at is not None
    assert seen is server.requests[0]
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_stream_left_early_is_seen_leaving(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply(text="one two three", gap=30))
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    async for _ in stream:
        break
    await stream.close()
    assert (await server.cancelled()).path == "/v1/chat/completions"


async def test_a_thousand_calls_share_one_connection(server: VendorServer, client: openai.AsyncOpenAI) -> None:
    for _ in range(1000):
        await client.models.list()
    assert server.open_connections == 1
