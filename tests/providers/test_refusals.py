"""What a model refuses is learned once when it was our addition, and raised when the caller asked for it."""

import asyncio
from typing import Any

import pytest

from creative_services.core.completions import Completion, Request
from creative_services.core.errors import BadRequestError, TooLongError
from creative_services.providers import load_provider
from creative_services.testing.provider_contract import PERSON
from creative_services.testing.vendors import Fault, VendorServer
from tests.providers.conftest import MakeEntry


def asking(**fields: Any) -> Request:
    return Request(messages=({"role": "user", "content": "hi"},), **fields)


def refusing(message: str, param: str | None = None, status: int = 400) -> Fault:
    return Fault.status(status, message=message, param=param)


TEMPERATURE = refusing("Unsupported value: 'temperature' does not support 0.7 with this model.", "temperature")


def ask(name: str, make_entry: MakeEntry, *requests: Request, streamed: bool = False, **fields: Any) -> None:
    async def main() -> None:
        provider, entry = load_provider(name), make_entry(name, **fields)
        for request in requests:
            if streamed:
                assert isinstance([item async for item in provider.stream(entry, request)][-1], Completion)
            else:
                assert (await provider.generate(entry, request)).content

    asyncio.run(main())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "compatible"])
def test_a_default_is_dropped_and_that_is_remembered(
    name: str, streamed: bool, server: VendorServer, make_entry: MakeEntry
) -> None:
    server.script(TEMPERATURE)
    ask(name, make_entry, asking(), asking(), streamed=streamed)
    first, second, third = server.requests
    assert first.body["temperature"] == 0.7
    assert "temperature" not in second.body
    assert "temperature" not in third.body, "one refusal is enough"


@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "compatible"])
def test_what_the_caller_asked_for_is_not_dropped(name: str, server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(TEMPERATURE)
    with pytest.raises(BadRequestError, match="temperature"):
        ask(name, make_entry, asking(temperature=0.7))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [("openai", "max_completion_tokens", "max_tokens"), ("compatible", "max_tokens", "max_completion_tokens")],
)
@pytest.mark.parametrize("asked", [None, 17])
def test_the_other_spelling_keeps_the_wish(
    name: str, first: str, then: str, asked: int | None, server: VendorServer, make_entry: MakeEntry
) -> None:
    server.script(refusing(f"Unsupported parameter: '{first}' is not supported. Use '{then}' instead.", first))
    ask(name, make_entry, asking(max_tokens=asked), asking(max_tokens=asked), max_tokens=99)
    before, *after = [request.body for request in server.requests]
    assert before[first] == (asked or 99)
    assert [(body.get(first), body[then]) for body in after] == [(None, asked or 99)] * 2


def test_a_default_limit_that_is_too_high_is_dropped(server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(refusing("max_tokens is too large: 4096. This model supports at most 2048.", "max_tokens"))
    ask("compatible", make_entry, asking())
    assert "max_tokens" not in server.requests[-1].body


def test_a_vendor_that_demands_a_limit_keeps_it(server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(refusing("max_tokens: 4096 > 2048, the maximum for this model"))
    with pytest.raises(BadRequestError, match="max_tokens"):
        ask("anthropic", make_entry, asking())
    assert len(server.requests) == 1


def test_two_refusals_are_two_lessons(server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(TEMPERATURE, refusing("max_completion_tokens is too large", "max_completion_tokens"))
    ask("openai", make_entry, asking())
    assert server.requests[-1].body.keys() == {"model", "messages"}


def test_usage_in_streams_is_given_up_where_it_is_refused(server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(refusing("Unrecognized request argument supplied: stream_options"))
    ask("compatible", make_entry, asking(), asking(), streamed=True)
    assert ["stream_options" in request.body for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("name", ["openai", "compatible"])
def test_a_shape_is_told_in_words_where_it_is_refused(name: str, server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(refusing("Invalid parameter: 'response_format' of type 'json_schema' is not supported."))
    ask(name, make_entry, asking(schema=PERSON))
    body = server.requests[-1].body
    assert body["response_format"] == {"type": "json_object"}
    assert "age" in body["messages"][0]["content"]


def test_an_older_claude_gets_a_tool_instead(server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(refusing("output_config.format: Extra inputs are not permitted"))
    ask("anthropic", make_entry, asking(schema=PERSON))
    assert server.requests[-1].body["tool_choice"]["type"] == "tool"


def test_lessons_concern_one_model(server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> None:
        provider = load_provider("openai")
        await provider.generate(make_entry(), asking())
        await provider.generate(make_entry(model="other"), asking())

    server.script(TEMPERATURE)
    asyncio.run(main())
    assert server.requests[-1].body["temperature"] == 0.7


@pytest.mark.parametrize(
    "fault",
    [
        refusing("max_tokens and temperature", status=500),
        refusing("something else"),
        Fault.named("context_length_exceeded", message="max_tokens: the context window is full"),
    ],
)
def test_other_failures_teach_nothing(fault: Fault, server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(fault)
    with pytest.raises(Exception) as caught:
        ask("openai", make_entry, asking())
    assert len(server.requests) == 1
    if fault.code:
        assert isinstance(caught.value, TooLongError)


def test_a_vendor_that_refuses_for_ever_is_not_asked_for_ever(server: VendorServer, make_entry: MakeEntry) -> None:
    server.script(*[TEMPERATURE] * 9)
    with pytest.raises(BadRequestError):
        ask("openai", make_entry, asking())
    assert len(server.requests) == 2
