"""Anthropic's own SDK against the double: what it reads, and which of its errors each fault becomes."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Iterator

import anthropic
import pytest
from anthropic.types import MessageParam, RawMessageStreamEvent

from creative_services.testing.vendors import Fault, Reply, Tokens, ToolCall, VendorServer

MODEL = "claude-3-haiku-20240307"
HELLO: list[MessageParam] = [{"role": "user", "content": "hello there"}]
USAGE = Tokens(input=100, output=20, cache_read=40, cache_write=10, reasoning=5)


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


@pytest.fixture
async def client(server: VendorServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.anthropic_url, api_key="sk-test", max_retries=0) as client:
        yield client


async def create(client: anthropic.AsyncAnthropic, timeout: float = 10) -> anthropic.types.Message:
    return await client.messages.create(model=MODEL, messages=HELLO, max_tokens=50, timeout=timeout)


async def test_a_plain_answer(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    message = await create(client)
    assert [block.text for block in message.content if block.type == "text"] == [f"Hello from {MODEL}."]
    assert message.stop_reason == "end_turn"
    assert message._request_id == f"req_{server.requests[0].request_id}"
    seen = server.requests[0]
    assert (seen.vendor, seen.path) == ("anthropic", "/v1/messages")
    # As x-api-key up to the SDK's first major, as a bearer token since its second.
    assert "sk-test" in seen.headers.get("x-api-key", "") + seen.headers.get("authorization", "")


async def test_usage_in_anthropics_words(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.script(Reply(text="hi", usage=USAGE, finish_reason="length"))
    message = await create(client)
    assert message.stop_reason == "max_tokens"
    assert message.usage.input_tokens == 50
    assert message.usage.cache_read_input_tokens == 40
    assert message.usage.cache_creation_input_tokens == 10
    assert message.usage.output_tokens == 20


CALLS = [ToolCall("weather", {"city": "Malmö"}, id="toolu_1"), ToolCall("time")]


async def test_tool_calls(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.script(Reply(tool_calls=CALLS))
    message = await create(client)
    uses = [block for block in message.content if block.type == "tool_use"]
    assert [(use.name, use.input) for use in uses] == [("weather", {"city": "Malmö"}), ("time", {})]
    assert uses[0].id == "toolu_1"
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("gap", [0.0, 0.001])
async def test_a_stream_adds_up_to_the_same_message(
    server: VendorServer, client: anthropic.AsyncAnthropic, gap: float
) -> None:
    server.script(Reply(text="Let me look.", tool_calls=CALLS, usage=USAGE, gap=gap))
    async with client.messages.stream(model=MODEL, messages=HELLO, max_tokens=50) as stream:
        texts = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert texts == ["Let", " me", " look."]
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert [block.input for block in message.content if block.type == "tool_use"] == [{"city": "Malmö"}, {}]
    assert (message.stop_reason, message.usage.output_tokens, message.usage.input_tokens) == ("tool_use", 20, 50)


async def test_the_events_of_a_stream(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.script(Reply(text="hi"))
    stream = await client.messages.create(model=MODEL, messages=HELLO, max_tokens=50, stream=True)
    assert [event.type async for event in stream] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


async def test_models(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    assert [model.id async for model in client.models.list()] == list(server.models["anthropic"])
    assert (await client.models.retrieve(MODEL)).type == "model"
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("claude-none")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (408, anthropic.APIStatusError, "timeout_error"),
        (409, anthropic.ConflictError, "conflict_error"),
        (413, anthropic.APIStatusError, "request_too_large"),
        (422, anthropic.UnprocessableEntityError, "invalid_request_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (502, anthropic.InternalServerError, "api_error"),
        (503, anthropic.InternalServerError, "api_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
async def test_each_status_becomes_the_sdks_own_error(
    server: VendorServer,
    client: anthropic.AsyncAnthropic,
    status: int,
    error: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    server.script(Fault.status(status, retry_after=7))
    with pytest.raises(error) as caught:
        await create(client)
    request_id = f"req_{server.requests[0].request_id}"
    assert (caught.value.status_code, caught.value.request_id) == (status, request_id)
    assert caught.value.response.headers["retry-after"] == "7"
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == kind
    assert caught.value.body["request_id"] == request_id


async def test_named_errors_have_anthropics_own_status_and_words(
    server: VendorServer, client: anthropic.AsyncAnthropic
) -> None:
    server.script(Fault.named("context_length_exceeded"), Fault.named("overloaded"))
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        await create(client)
    with pytest.raises(anthropic.InternalServerError) as caught:
        await create(client)
    assert caught.value.status_code == 529


async def test_anthropics_own_codes_are_sent(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.script(Fault.status(429, code="ramp_limit_exceeded"))
    with pytest.raises(anthropic.RateLimitError) as caught:
        await create(client)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["details"] == {"error_code": "ramp_limit_exceeded"}


async def test_other_keys_are_refused(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.require_keys({"sk-other"})
    with pytest.raises(anthropic.AuthenticationError):
        await create(client)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"messages": []}, "at least one message"),
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": [{"role": "tool", "content": "be kind"}]}, "Unexpected role"),
    ],
)
async def test_what_anthropic_would_refuse_is_refused(
    client: anthropic.AsyncAnthropic, body: dict[str, object], message: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=message):
        await client.messages.create(model=MODEL, messages=HELLO, max_tokens=50, extra_body=body)


async def test_a_system_message_is_refused_in_the_oldest_version_of_the_api(
    client: anthropic.AsyncAnthropic,
) -> None:
    system = {"messages": [{"role": "system", "content": "be kind"}, *HELLO]}
    oldest = {"anthropic-version": "2023-06-01"}
    with pytest.raises(anthropic.BadRequestError, match="top-level `system` parameter"):
        await client.messages.create(
            model=MODEL, messages=HELLO, max_tokens=50, extra_body=system, extra_headers=oldest
        )


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"x-api-key": "sk-test"}, 400, "anthropic-version: header is required"),
        ({"anthropic-version": "2023-06-01"}, 401, "x-api-key header is required"),
        ({"anthropic-version": "2023-06-01", "x-api-key": "sk-test"}, 200, None),
        ({"anthropic-version": "2023-06-01", "authorization": "Bearer sk-test"}, 200, None),
    ],
)
def test_its_headers_are_required(
    server: VendorServer, headers: dict[str, str], status: int, message: str | None
) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", "/v1/models", headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
    finally:
        connection.close()
    assert (answer.status, body.get("error", {}).get("message")) == (status, message)


@pytest.mark.parametrize("fault", [Fault.drop(), Fault.cut()], ids=["drop", "cut"])
async def test_a_connection_that_breaks(server: VendorServer, client: anthropic.AsyncAnthropic, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises(anthropic.APIConnectionError):
        await create(client)


async def test_a_vendor_that_hangs(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.script(Fault.hang())
    with pytest.raises(anthropic.APITimeoutError):
        await create(client, timeout=0.1)
    assert (await server.cancelled()).vendor == "anthropic"


# By name, as a stream that breaks off raises the class of whichever HTTP library the SDK's version stands on.
BREAKS = {
    "cut": {"APIConnectionError", "RemoteProtocolError"},
    "stall": {"APITimeoutError", "ReadTimeout"},
    "error_event": {"APIStatusError", "InternalServerError"},
    "malformed": {"JSONDecodeError"},
}


async def read(stream: anthropic.AsyncStream[RawMessageStreamEvent], texts: list[str]) -> None:
    async for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            texts += [event.delta.text]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("name", BREAKS)
async def test_streams_that_break_do_so_after_so_many_pieces(
    server: VendorServer, client: anthropic.AsyncAnthropic, name: str, after: int
) -> None:
    server.script(getattr(Fault, name)(after=after, reply=Reply(text="one two three")))
    texts: list[str] = []
    # Only a stall is waited out; whatever else is slow to arrive on a busy machine is not the test's business.
    patience = 0.5 if name == "stall" else 30
    stream = await client.messages.create(model=MODEL, messages=HELLO, max_tokens=50, stream=True, timeout=patience)
    with pytest.raises(Exception) as caught:
        await read(stream, texts)
    assert type(caught.value).__name__ in BREAKS[name]
    assert texts == ["one", " two", " three"][:after]
    if name == "error_event":
        assert isinstance(caught.value, anthropic.APIStatusError)
        assert "api_error" in str(caught.value)


async def test_a_client_that_cancels_is_seen_leaving(server: VendorServer, client: anthropic.AsyncAnthropic) -> None:
    server.script(Fault.stall())
    call = asyncio.create_task(create(client))
    await server.arrived()
    call.cancel()
    assert (await server.cancelled()).cancelled_at is not None
    with pytest.raises(asyncio.CancelledError):
        await call
