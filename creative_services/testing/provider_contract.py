"""What every provider must do, as tests: derive from ``ProviderContract`` and say how to make yours."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar, TypeVar

import pytest

from creative_services.core import errors as e
from creative_services.core.completions import Completion, Piece, Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import ListsModels, MakesEmbeddings, Provider
from creative_services.testing.vendors import Fault, Reply, Seen, Tokens, ToolCall, VendorServer

T = TypeVar("T")

STATUSES: dict[int, type[e.ProviderError]] = {
    400: e.BadRequestError,
    401: e.AuthenticationError,
    403: e.PermissionDeniedError,
    404: e.ModelNotFoundError,
    408: e.TimedOutError,
    413: e.TooLongError,
    429: e.RateLimitedError,
    500: e.ServerError,
    503: e.OverloadedError,
    529: e.OverloadedError,
}
BROKEN: dict[str, tuple[Fault, type[e.ProviderError]]] = {
    "no answer": (Fault.drop(), e.UnreachableError),
    "half an answer": (Fault.cut(after=1), e.UnreachableError),
    "broken JSON": (Fault.malformed(after=1), e.MalformedAnswerError),
    "an empty answer": (Fault.empty(), e.MalformedAnswerError),
    "a proxy's page": (Fault.html(200), e.MalformedAnswerError),
    "a proxy's refusal": (Fault.html(502), e.ServerError),
}
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PERSON = {
    "title": "Person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def asking(content: Any = "Say hello.", **fields: Any) -> Request:
    """A request of one user message."""
    return Request(messages=({"role": "user", "content": content},), **fields)


class ProviderContract:
    """The promises about reaching a vendor, for a provider of yours::

        class TestMyProvider(ProviderContract):
            @pytest.fixture
            def provider(self):
                return MyProvider()

            @pytest.fixture
            def entry(self, server):
                return LLMEntry(id=1, name="m", provider="mine", model="m", tier="economy",
                                api_key="sk-...", api_endpoint=server.openai_url)

    ``server`` is a local server that speaks as OpenAI, Anthropic, Groq and Ollama do. Every test runs in an event loop
    of its own, so a provider that clings to its first loop fails.
    """

    takes_image_links: ClassVar[bool] = True

    @pytest.fixture
    def server(self) -> Iterator[VendorServer]:
        """A server of this machine; override it when yours speaks another dialect."""
        with VendorServer() as server:
            yield server

    def test_it_is_a_provider(self, provider: Provider) -> None:
        assert isinstance(provider, Provider), "generate, stream or aclose is missing"

    def test_an_answer(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        server.script(Reply(text="Hello.", usage=Tokens(input=12, output=7)))
        answer = self._generate(provider, entry, asking())
        assert isinstance(answer, Completion)
        assert (answer.content, answer.finish_reason, answer.tool_calls) == ("Hello.", "stop", ())
        assert answer.usage is not None, "the vendor told its usage"
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (12, 7)
        assert not answer.usage.estimated

    def test_cached_tokens_are_counted_inside_the_input(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        server.script(Reply(text="Hello.", usage=Tokens(input=100, output=7, cache_read=60)))
        usage = self._generate(provider, entry, asking()).usage
        assert usage is not None
        if usage.cached_tokens:  # Ollama does not tell
            assert (usage.input_tokens, usage.cached_tokens) == (100, 60)

    def test_an_answer_that_was_too_long(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        server.script(Reply(text="Once upon", finish_reason="length"))
        assert self._generate(provider, entry, asking()).finish_reason == "length"

    def test_the_entry_s_model_and_key_are_used(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        self._generate(provider, entry, asking())
        seen = server.requests[-1]
        assert seen.model == entry.model
        assert entry.api_key is None or any(entry.api_key.reveal() in value for value in seen.headers.values())

    def test_a_stream_gives_pieces_and_the_whole_last(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        server.script(Reply(text="One two three.", usage=Tokens(input=12, output=7)))
        *pieces, whole = self._stream(provider, entry, asking())
        assert isinstance(whole, Completion), "the last item is the whole answer"
        assert [piece.text for piece in pieces if isinstance(piece, Piece)] == ["One", " two", " three."]
        assert (whole.content, whole.finish_reason) == ("One two three.", "stop")
        assert whole.usage is not None, "usage is asked for in streams too"
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (12, 7)

    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_tool_is_called(self, provider: Provider, entry: LLMEntry, server: VendorServer, streamed: bool) -> None:
        server.script(Reply(tool_calls=[ToolCall("get_weather", {"city": "Zürich"})]))
        answer = self._whole(provider, entry, asking(tools=(WEATHER,), tool_choice="auto"), streamed=streamed)
        (call,) = answer.tool_calls
        assert (call.name, dict(call.arguments)) == ("get_weather", {"city": "Zürich"})
        assert call.id, "a call needs an id, so that its result can name it"
        assert answer.finish_reason == "tool_calls"
        assert "get_weather" in str(server.requests[-1].body["tools"])

    def test_a_tool_s_result_is_told(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        function = {"name": "get_weather", "arguments": '{"city": "Zürich"}'}
        history = (
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How is the weather?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "c1", "name": "get_weather", "content": "17 degrees"},
        )
        self._generate(provider, entry, Request(messages=history, tools=(WEATHER,)))
        told = str(server.requests[-1].body)
        assert "17 degrees" in told
        assert "Be brief." in told

    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_shape_is_asked_for(
        self, provider: Provider, entry: LLMEntry, server: VendorServer, streamed: bool
    ) -> None:
        server.script(Reply(json={"name": "Ada", "age": 36}))
        answer = self._whole(provider, entry, asking(schema=PERSON), streamed=streamed)
        assert answer.content == '{"name": "Ada", "age": 36}'
        assert "'age'" in str(server.requests[-1].body) or '"age"' in str(server.requests[-1].body)

    def test_an_image_in_bytes(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image", "image": PIXEL}]
        self._generate(provider, entry, asking(parts))
        assert base64.b64encode(PIXEL).decode() in str(server.requests[-1].body)

    def test_an_image_as_a_link(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        link = "https://example.com/cat.png"
        request = asking([{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": link}}])
        if self.takes_image_links:
            self._generate(provider, entry, request)
            assert link in str(server.requests[-1].body)
        else:
            self._refused(e.BadRequestError, self._generate, provider, entry, request)

    @pytest.mark.parametrize("streamed", [False, True])
    @pytest.mark.parametrize("status", STATUSES)
    def test_a_refusal(
        self, provider: Provider, entry: LLMEntry, server: VendorServer, status: int, streamed: bool
    ) -> None:
        wait = 7.0 if status in (429, 503, 529) else None
        server.script(Fault.status(status, message="no luck", retry_after=wait))
        error = self._refused(STATUSES[status], self._whole, provider, entry, asking(), streamed=streamed)
        assert type(error) is STATUSES[status]
        assert (error.status, error.retry_after) == (status, wait)
        assert "no luck" in str(error), "the vendor's own words are quoted"
        assert len(server.requests) == 1, "a provider does not try again by itself"

    @pytest.mark.parametrize("streamed", [False, True])
    @pytest.mark.parametrize("broken", BROKEN)
    def test_an_answer_that_is_none(
        self, provider: Provider, entry: LLMEntry, server: VendorServer, broken: str, streamed: bool
    ) -> None:
        fault, kind = BROKEN[broken]
        server.script(fault)
        self._refused(kind, self._whole, provider, entry, asking(), streamed=streamed)
        assert len(server.requests) == 1

    def test_an_error_amid_a_stream(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        server.script(Fault.error_event(after=1, message="no luck"))
        error = self._refused(e.ProviderError, self._stream, provider, entry, asking())
        assert "no luck" in str(error)

    def test_nobody_listens(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        server.close()
        self._refused(e.UnreachableError, self._generate, provider, entry, asking())
        self._refused(e.UnreachableError, self._stream, provider, entry, asking())

    def test_a_call_that_is_cancelled_stops_the_vendor(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        server.script(Fault.hang())
        seen = self._cancelled(provider, server, provider.generate(entry, asking()))
        assert seen.model == entry.model

    def test_a_stream_that_stalls_can_be_cancelled(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        server.script(Fault.stall(after=1))
        seen = self._cancelled(provider, server, _all(provider, entry, asking()))
        assert seen.model == entry.model

    def test_a_stream_that_is_left_stops_the_vendor(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        async def leave() -> Seen:
            items: Any = provider.stream(entry, asking())
            await anext(items)
            await items.aclose()
            return await server.cancelled()

        server.script(Fault.stall(after=1))
        assert self._run(provider, leave()).model == entry.model

    def test_loops_one_after_another(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        for _ in range(3):
            assert asyncio.run(provider.generate(entry, asking())).content

    def test_an_edited_key_is_used_by_the_next_call(
        self, provider: Provider, entry: LLMEntry, server: VendorServer
    ) -> None:
        async def twice() -> None:
            await provider.generate(entry, asking())
            await provider.generate(entry.using(api_key="sk-the-edited-key"), asking())

        self._run(provider, twice())
        assert any("sk-the-edited-key" in value for value in server.requests[-1].headers.values())

    def test_its_models_when_it_can_list_them(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        if not isinstance(provider, ListsModels):
            pytest.skip("this provider lists no models")
        assert self._run(provider, provider.models(entry))

    def test_vectors_when_it_can_make_them(self, provider: Provider, entry: LLMEntry, server: VendorServer) -> None:
        if not isinstance(provider, MakesEmbeddings):
            pytest.skip("this provider makes no embeddings")
        made = self._run(provider, provider.embed(entry, ["one", "two"]))
        assert len(made.vectors) == 2
        assert len(made.vectors[0]) == len(made.vectors[1]) > 0

    # How it is run

    def _run(self, provider: Provider, work: Awaitable[T]) -> T:
        async def and_close() -> T:
            try:
                return await work
            finally:
                await provider.aclose()

        return asyncio.run(and_close())

    def _generate(self, provider: Provider, entry: LLMEntry, request: Request) -> Completion:
        return self._run(provider, provider.generate(entry, request))

    def _stream(self, provider: Provider, entry: LLMEntry, request: Request) -> list[Piece | Completion]:
        return self._run(provider, _all(provider, entry, request))

    def _whole(self, provider: Provider, entry: LLMEntry, request: Request, *, streamed: bool) -> Completion:
        if not streamed:
            return self._generate(provider, entry, request)
        whole = self._stream(provider, entry, request)[-1]
        assert isinstance(whole, Completion)
        return whole

    def _refused(
        self, kind: type[e.ProviderError], call: Callable[..., Any], *given: Any, **options: Any
    ) -> e.ProviderError:
        with pytest.raises(kind) as caught:
            call(*given, **options)
        error = caught.value
        entry = next(each for each in given if isinstance(each, LLMEntry))
        assert error.llm == entry, "the error says whom it concerns"
        assert entry.api_key is None or entry.api_key.reveal() not in f"{error!s}{error!r}"
        return error

    def _cancelled(self, provider: Provider, server: VendorServer, call: Awaitable[Any]) -> Seen:
        async def cancel() -> Seen:
            task = asyncio.ensure_future(call)
            while not server.requests:  # noqa: ASYNC110 - the server is in another thread
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)  # for the first piece of a stream to arrive; nothing fails if it has not
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await server.cancelled()

        return self._run(provider, cancel())


async def _all(provider: Provider, entry: LLMEntry, request: Request) -> list[Piece | Completion]:
    return [item async for item in provider.stream(entry, request)]
