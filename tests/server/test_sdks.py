"""The vendors' own SDKs, unchanged, against every entry: each shape to each provider."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pydantic
import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.testing.vendors import Fault, Reply, Tokens, ToolCall, VendorServer
from tests.server.house import KEY, House, more_entries

# OpenAI's shape, Anthropic's, Ollama, Groq, and whoever else speaks as OpenAI does.
ANSWERED = ["economy", "standard", "local", "Fast", "Other"]
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Weather(pydantic.BaseModel):
    city: str


@pytest.fixture
async def house(open_house: Any, vendor: VendorServer) -> House:
    opened: House = await open_house(extra=more_entries(vendor))
    return opened


@pytest.fixture
async def gpt(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{house.url}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(house: House) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=house.url, max_retries=0) as client:
        yield client


def hello(model: str) -> list[Any]:
    return [{"role": "user", "content": f"hello to {model}"}]


@pytest.mark.parametrize("tier", [*ANSWERED, "premium"])
class TestPlain:
    async def test_chat(self, gpt: openai.AsyncOpenAI, tier: str) -> None:
        answer = await gpt.chat.completions.create(model=tier, messages=hello(tier))
        assert "ello" in (answer.choices[0].message.content or "")
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0

    async def test_chat_streamed(self, gpt: openai.AsyncOpenAI, tier: str) -> None:
        text, reason, usage = "", None, None
        async for chunk in await gpt.chat.completions.create(model=tier, messages=hello(tier), stream=True):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
        assert "ello" in text
        assert reason == "stop"
        assert usage is not None
        assert usage.completion_tokens > 0

    async def test_responses(self, gpt: openai.AsyncOpenAI, tier: str) -> None:
        answer = await gpt.responses.create(model=tier, input="hello", instructions="Be brief.")
        assert "ello" in answer.output_text
        assert answer.status == "completed"
        assert answer.usage is not None
        assert answer.usage.output_tokens > 0

    async def test_responses_streamed(self, gpt: openai.AsyncOpenAI, tier: str) -> None:
        kinds = []
        async with gpt.responses.stream(model=tier, input="hello") as stream:
            async for event in stream:
                kinds.append(event.type)
            answer = await stream.get_final_response()
        assert "ello" in answer.output_text
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"

    async def test_messages(self, claude: anthropic.AsyncAnthropic, tier: str) -> None:
        answer = await claude.messages.create(model=tier, max_tokens=100, system="Be brief.", messages=hello(tier))
        assert "ello" in answer.content[0].text
        assert answer.stop_reason == "end_turn"
        assert answer.usage.output_tokens > 0

    async def test_messages_streamed(self, claude: anthropic.AsyncAnthropic, tier: str) -> None:
        async with claude.messages.stream(model=tier, max_tokens=100, messages=hello(tier)) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            answer = await stream.get_final_message()
        assert "ello" in text
        assert answer.stop_reason == "end_turn"
        assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("tier", ANSWERED)
class TestTools:
    """Two calls at once, and their results sent back."""

    calls = Reply(
        text="Let me look.", tool_calls=[ToolCall("weather", {"city": "Oslo"}), ToolCall("weather", {"city": "Rome"})]
    )

    async def test_chat(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.calls)
        tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        first = await gpt.chat.completions.create(model=tier, messages=hello(tier), tools=tools, tool_choice="required")
        message = first.choices[0].message
        assert first.choices[0].finish_reason == "tool_calls"
        assert [call.function.arguments for call in message.tool_calls or ()] == [
            '{"city": "Oslo"}',
            '{"city": "Rome"}',
        ]
        results: list[Any] = [
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls or ()
        ]
        turns = [*hello(tier), message.model_dump(exclude_none=True), *results]
        await gpt.chat.completions.create(model=tier, messages=turns, tools=tools)
        assert_results_arrived(vendor)

    async def test_chat_streamed(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.calls)
        tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER, "strict": True}}]
        async with gpt.chat.completions.stream(model=tier, messages=hello(tier), tools=tools) as stream:
            answer = await stream.get_final_completion()
        message = answer.choices[0].message
        assert message.content == "Let me look."
        assert [call.function.parsed_arguments for call in message.tool_calls or ()] == [
            {"city": "Oslo"},
            {"city": "Rome"},
        ]

    async def test_messages(self, claude: anthropic.AsyncAnthropic, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.calls)
        tools: Any = [{"name": "weather", "input_schema": WEATHER}]
        first = await claude.messages.create(
            model=tier, max_tokens=100, messages=hello(tier), tools=tools, tool_choice={"type": "any"}
        )
        assert first.stop_reason == "tool_use"
        calls = [block for block in first.content if block.type == "tool_use"]
        assert [call.input for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
        turns: Any = [
            *hello(tier),
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": results},
        ]
        await claude.messages.create(model=tier, max_tokens=100, messages=turns, tools=tools)
        assert_results_arrived(vendor)

    async def test_messages_streamed(self, claude: anthropic.AsyncAnthropic, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.calls)
        tools: Any = [{"name": "weather", "input_schema": WEATHER}]
        async with claude.messages.stream(model=tier, max_tokens=100, messages=hello(tier), tools=tools) as stream:
            answer = await stream.get_final_message()
        assert [block.type for block in answer.content] == ["text", "tool_use", "tool_use"]
        assert [block.input for block in answer.content[1:]] == [{"city": "Oslo"}, {"city": "Rome"}]
        assert answer.stop_reason == "tool_use"

    async def test_responses(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.calls)
        tools: Any = [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}]
        first = await gpt.responses.create(model=tier, input="hello", tools=tools)
        calls = [item for item in first.output if item.type == "function_call"]
        assert [call.arguments for call in calls] == ['{"city": "Oslo"}', '{"city": "Rome"}']
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
        turns: Any = [{"role": "user", "content": "hello"}, *first.output, *results]
        await gpt.responses.create(model=tier, input=turns, tools=tools)
        assert_results_arrived(vendor)

    async def test_responses_streamed(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.calls)
        tools: Any = [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}]
        async with gpt.responses.stream(model=tier, input="hello", tools=tools) as stream:
            answer = await stream.get_final_response()
        assert [item.type for item in answer.output] == ["message", "function_call", "function_call"]
        assert [item.arguments for item in answer.output[1:]] == ['{"city": "Oslo"}', '{"city": "Rome"}']


def assert_results_arrived(vendor: VendorServer) -> None:
    """The second request holds both calls and both results, in the vendor's own dialect."""
    seen = vendor.requests[-1]
    if seen.vendor == "anthropic":
        called, answered = seen.body["messages"][-2:]
        assert [block["input"] for block in called["content"] if block["type"] == "tool_use"] == [
            {"city": "Oslo"},
            {"city": "Rome"},
        ]
        assert [block["content"] for block in answered["content"] if block["type"] == "tool_result"] == [
            "sunny",
            "sunny",
        ]
    else:
        called, *answered = seen.body["messages"][-3:]
        assert len(called["tool_calls"]) == 2
        assert [(turn["role"], turn["content"]) for turn in answered] == [("tool", "sunny"), ("tool", "sunny")]
        assert [turn["tool_call_id"] for turn in answered] == [call["id"] for call in called["tool_calls"]]


@pytest.mark.parametrize("tier", ANSWERED)
class TestStructured:
    answer = Reply(json={"city": "Oslo"})

    async def test_chat(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.answer)
        answer = await gpt.chat.completions.parse(model=tier, messages=hello(tier), response_format=Weather)
        assert answer.choices[0].message.parsed == Weather(city="Oslo")

    async def test_responses(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.answer)
        answer = await gpt.responses.parse(model=tier, input="hello", text_format=Weather)
        assert answer.output_parsed == Weather(city="Oslo")

    async def test_messages(self, claude: anthropic.AsyncAnthropic, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.answer)
        answer = await claude.messages.parse(model=tier, max_tokens=100, messages=hello(tier), output_format=Weather)
        assert answer.parsed_output == Weather(city="Oslo")
        assert "city" in str(vendor.requests[-1].body), "the schema did not arrive"

    async def test_streamed(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        vendor.script(self.answer)
        async with gpt.chat.completions.stream(model=tier, messages=hello(tier), response_format=Weather) as stream:
            answer = await stream.get_final_completion()
        assert answer.choices[0].message.parsed == Weather(city="Oslo")


@pytest.mark.parametrize("tier", ANSWERED)
class TestImages:
    async def test_chat(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        turns: Any = [{"role": "user", "content": [{"type": "text", "text": "what?"}, picture]}]
        await gpt.chat.completions.create(model=tier, messages=turns)
        assert_image_arrived(vendor)

    async def test_messages(self, claude: anthropic.AsyncAnthropic, vendor: VendorServer, tier: str) -> None:
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        turns: Any = [
            {"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image", "source": source}]}
        ]
        await claude.messages.create(model=tier, max_tokens=100, messages=turns)
        assert_image_arrived(vendor)

    async def test_responses(self, gpt: openai.AsyncOpenAI, vendor: VendorServer, tier: str) -> None:
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"}
        turns: Any = [{"role": "user", "content": [{"type": "input_text", "text": "what?"}, picture]}]
        await gpt.responses.create(model=tier, input=turns)
        assert_image_arrived(vendor)


def assert_image_arrived(vendor: VendorServer) -> None:
    text, picture = vendor.requests[-1].body["messages"][-1]["content"]
    assert text == {"type": "text", "text": "what?"}
    if vendor.requests[-1].vendor == "anthropic":
        assert picture == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    else:
        assert picture["image_url"]["url"] == f"data:image/png;base64,{PNG}"


class TestResponsesRelayed:
    """An endpoint with responses of its own, which is another gateway of ours: bytes through, both ways."""

    @pytest.fixture
    async def front(self, house: House, open_house: Any, vendor: VendorServer) -> House:
        common: dict[str, Any] = {"provider": "openai", "api_endpoint": f"{house.url}/v1", "api_key": KEY}
        can = {"chat", "tools", "vision", "json", "responses"}
        behind = [
            LLMEntry(id=20 + number, name=f"Behind {tier}", model=tier, tier="economy", capabilities=can,
                     cost_per_1k_input=1, cost_per_1k_output=2, **common)
            for number, tier in enumerate(ANSWERED)
        ]  # fmt: skip
        opened: House = await open_house(extra=behind)
        return opened

    @pytest.fixture
    async def far(self, front: House) -> AsyncIterator[openai.AsyncOpenAI]:
        async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{front.url}/v1", max_retries=0) as client:
            yield client

    @pytest.mark.parametrize("tier", ANSWERED)
    async def test_plain_and_streamed(self, far: openai.AsyncOpenAI, front: House, tier: str) -> None:
        answer = await far.responses.create(model=f"Behind {tier}", input="hello")
        assert "ello" in answer.output_text
        async with far.responses.stream(model=f"Behind {tier}", input="hello") as stream:
            last = await stream.get_final_response()
        assert "ello" in last.output_text
        records = front.ledger()
        assert [record.usage.estimated for record in records] == [False, False]
        assert all(record.usage.output_tokens > 0 and record.cost for record in records)

    async def test_broken_off(self, far: openai.AsyncOpenAI, front: House, vendor: VendorServer) -> None:
        vendor.script(Fault.cut(after=2, reply=Reply(text="one two three four", gap=0.02)))
        with pytest.raises(openai.APIError, match="broke"):
            async for _ in await far.responses.create(model="Behind economy", input="hello", stream=True):
                pass
        (record,) = front.ledger()
        assert record.error == "StreamInterruptedError"


class TestTheRest:
    async def test_embeddings(self, gpt: openai.AsyncOpenAI) -> None:
        answer = await gpt.embeddings.create(model="Vectors", input=["one", "two"])
        assert [len(row.embedding) for row in answer.data] == [8, 8]

    @pytest.mark.parametrize("tier", ANSWERED)
    async def test_messages_in_beta(self, claude: anthropic.AsyncAnthropic, vendor: VendorServer, tier: str) -> None:
        """Another path in the SDK: the same one here, with a question mark behind it and a header."""
        answer = await claude.beta.messages.create(
            model=tier, max_tokens=9, messages=hello(tier), betas=["context-1m-2025-08-07"]
        )
        assert "ello" in answer.content[0].text
        beta = vendor.requests[-1].headers.get("anthropic-beta")
        assert beta == ("context-1m-2025-08-07" if tier == "standard" else None)

    @pytest.mark.parametrize("provider", ["openai", "compatible", "ollama", "offline"])
    async def test_vectors_in_both_codings(
        self, house: House, gpt: openai.AsyncOpenAI, vendor: VendorServer, provider: str
    ) -> None:
        address = vendor.ollama_url if provider == "ollama" else vendor.openai_url
        house.registry.add(
            LLMEntry(id=40, name="Embedder", provider=provider, model="embedder", tier="premium",
                     api_endpoint=address, capabilities={"embeddings"})
        )  # fmt: skip
        plain = await gpt.embeddings.create(model="Embedder", input=["one", "two"], encoding_format="float")
        coded = await gpt.embeddings.create(model="Embedder", input=["one", "two"])  # base64, which the SDK decodes
        assert len(plain.data) == 2
        for one, other in zip(plain.data, coded.data, strict=True):
            assert other.embedding == pytest.approx(one.embedding, abs=1e-6)

    async def test_models_in_both_dialects(self, gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
        theirs = [model.id async for model in gpt.models.list()]
        assert theirs[:4] == ["economy", "standard", "premium", "local"]
        assert "claude-mid" in theirs
        assert [model.id async for model in claude.models.list()] == theirs
        assert (await gpt.models.retrieve("llm:2")).owned_by == "anthropic"
        assert (await claude.models.retrieve("economy")).id == "economy"

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(400, openai.BadRequestError), (401, openai.InternalServerError), (429, openai.RateLimitError),
         (500, openai.InternalServerError), (503, openai.InternalServerError)],
    )  # fmt: skip
    async def test_a_vendors_no_is_the_openai_sdks_error(
        self, gpt: openai.AsyncOpenAI, vendor: VendorServer, status: int, kind: type[openai.APIStatusError]
    ) -> None:
        vendor.script_for("gpt-small", *[Fault.status(status, message="no, thank you")] * 3)
        with pytest.raises(kind) as caught:
            await gpt.chat.completions.create(
                model="economy", messages=hello("economy"), extra_headers={"x-llm-timeout": "3"}
            )
        assert "no, thank you" in caught.value.message
        assert caught.value.request_id

    async def test_a_vendors_no_is_the_anthropic_sdks_error(
        self, claude: anthropic.AsyncAnthropic, vendor: VendorServer
    ) -> None:
        vendor.script(Fault.status(400, message="no, thank you"))
        with pytest.raises(anthropic.BadRequestError) as caught:
            await claude.messages.create(model="standard", max_tokens=10, messages=hello("x"))
        assert caught.value.body["error"]["type"] == "invalid_request_error"
        with pytest.raises(anthropic.NotFoundError):
            await claude.messages.create(model="no-such-model", max_tokens=10, messages=hello("x"))

    async def test_what_a_prompt_read_from_a_cache_is_counted_in_each_dialect(
        self, gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, vendor: VendorServer
    ) -> None:
        cached = Reply(text="x", usage=Tokens(input=100, output=20, cache_read=60))
        for tier in ANSWERED[:2]:
            vendor.script(cached, cached)
            chat = await gpt.chat.completions.create(model=tier, messages=hello(tier))
            assert chat.usage is not None
            assert chat.usage.prompt_tokens_details is not None
            assert (chat.usage.prompt_tokens, chat.usage.prompt_tokens_details.cached_tokens) == (100, 60)
            message = await claude.messages.create(model=tier, max_tokens=9, messages=hello(tier))
            assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (40, 60)
