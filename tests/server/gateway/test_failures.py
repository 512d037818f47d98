"""A vendor that fails: the next entry steps in, or the caller is told in its own shape, and nothing is lost."""

import json
from typing import Any

import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.testing.vendors import Fault, Reply, VendorServer
from tests.server.house import ANTHROPIC, CAN, CHAT, MESSAGES, RESPONSES, VENDOR_KEY, House


def second(vendor: VendorServer, **fields: Any) -> LLMEntry:
    """Another economy entry, dearer than the first, of the other dialect."""
    known: dict[str, Any] = {
        "id": 9, "name": "Second", "provider": "anthropic", "model": "claude-second", "tier": "economy",
        "api_endpoint": vendor.anthropic_url, "api_key": VENDOR_KEY, "capabilities": CAN,
        "cost_per_1k_input": 1, "cost_per_1k_output": 2,
    }  # fmt: skip
    return LLMEntry(**{**known, **fields})


FAILS = {
    "500": Fault.status(500), "429": Fault.status(429), "no connection": Fault.drop(), "a page of HTML": Fault.html(),
    "nothing": Fault.empty(), "half an answer": Fault.cut(), "no JSON": Fault.malformed(),
}  # fmt: skip


# What is passed on as it comes is read by nobody here: broken JSON in a stream is for its reader to find out.
@pytest.mark.parametrize(
    ("name", "streamed"), [(n, s) for n in FAILS for s in (False, True) if (n, s) != ("no JSON", True)]
)
async def test_the_next_entry_steps_in_also_in_the_other_dialect(
    open_house: Any, vendor: VendorServer, name: str, streamed: bool
) -> None:
    house: House = await open_house(extra=[second(vendor)])
    vendor.script_for("gpt-small", FAILS[name])
    said = await house.ask(stream=streamed)
    assert said.status == 200
    assert (said.headers["x-llm-id"], said.headers["x-llm-attempts"]) == ("9", "2")
    assert b"claude-second" in said.body
    (record,) = house.ledger()
    assert (record.llm_id, record.attempts, record.status) == (9, 2, 200)


async def test_a_request_the_vendor_does_not_accept_is_not_tried_elsewhere(
    open_house: Any, vendor: VendorServer
) -> None:
    house: House = await open_house(extra=[second(vendor)])
    vendor.script_for("gpt-small", Fault.status(400, message="temperature is too high", param="temperature"))
    said = await house.ask(temperature=9)
    assert said.status == 400
    assert said.document["error"]["param"] == "temperature"
    assert "temperature is too high" in said.document["error"]["message"]
    assert len(vendor.requests) == 1
    (record,) = house.ledger()
    assert (record.status, record.error, record.cost) == (400, "BadRequestError", None)


async def test_our_trouble_with_the_vendor_is_not_the_callers(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.status(401, message="Incorrect API key provided: sk-upstream-0123456789abcdef."))
    said = await house.ask()
    assert said.status == 502
    assert said.document["error"]["code"] == "upstream_authentication"
    assert VENDOR_KEY not in said.body.decode()


async def test_an_entry_that_failed_rests(open_house: Any, vendor: VendorServer) -> None:
    house: House = await open_house(extra=[second(vendor)])
    vendor.script_for("gpt-small", *[Fault.status(500)] * 3)
    for _ in range(5):
        assert (await house.ask()).headers["x-llm-id"] == "9"
    assert [seen.model for seen in vendor.requests].count("gpt-small") == 3


async def test_the_callers_patience_ends_a_silent_vendor(house: House, vendor: VendorServer) -> None:
    vendor.script(*[Fault.hang()] * 5)
    said = await house.ask(headers={"x-llm-timeout": "0.3"})
    assert said.status == 504
    assert said.document["error"]["code"] == "upstream_timeout"
    vendor.wait_cancelled()


async def test_a_timeout_that_is_none(house: House) -> None:
    for written in ("soon", "-1", "0", "nan", "inf", "1e99"):
        assert (await house.ask(headers={"x-llm-timeout": written})).status == 400


@pytest.mark.parametrize("path", [CHAT, ANTHROPIC, RESPONSES])
@pytest.mark.parametrize("tier", ["economy", "standard"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.cut(after=2, reply=Reply(text="one two three four", gap=0.02)),
        Fault.error_event(after=2, reply=Reply(text="one two three four", gap=0.02)),
    ],
    ids=["cut", "error event"],
)
async def test_a_stream_that_breaks_ends_with_an_error_event(
    house: House, vendor: VendorServer, fault: Fault, tier: str, path: str
) -> None:
    vendor.script(fault)
    members: dict[str, Any] = {"model": tier, "input": "hi", "max_tokens": 9} if path == RESPONSES else {"model": tier}
    said = await house.ask(path, stream=True, **members)
    assert said.status == 200
    assert b"one" in said.body
    assert b"four" not in said.body
    last = [line for line in said.body.split(b"\n") if line.startswith(b"data: {")][-1]
    document = json.loads(last.removeprefix(b"data: "))
    assert document.get("error") or document.get("type") == "error"
    (record,) = house.ledger()
    assert record.error == "StreamInterruptedError"
    assert record.usage.output_tokens > 0


async def test_broken_bytes_end_a_translated_stream(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.malformed(after=2, reply=Reply(text="one two three four", gap=0.02)))
    said = await house.ask(model="standard", stream=True)
    assert "error" in said.events[-1]


async def test_what_breaks_before_the_first_word_is_tried_again(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.error_event(after=0))
    said = await house.ask(stream=True)
    assert b"Hello" in said.body
    assert b"error" not in said.body


async def test_a_stream_that_falls_silent_is_ended(open_house: Any, vendor: VendorServer) -> None:
    house: House = await open_house(settings={"idle_timeout": 0.3})
    vendor.script(Fault.stall(after=1, reply=Reply(text="one two three")))
    said = await house.ask(stream=True)
    assert "error" in said.events[-1]
    vendor.wait_cancelled()


async def test_a_translated_stream_that_falls_silent_is_ended(open_house: Any, vendor: VendorServer) -> None:
    house: House = await open_house(settings={"idle_timeout": 0.3})
    vendor.script(Fault.stall(after=1, reply=Reply(text="one two three")))
    said = await house.ask(model="standard", stream=True)
    assert "error" in said.events[-1]
    vendor.wait_cancelled()


async def test_the_ledger_knows_what_a_broken_stream_had_used(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.cut(after=50, reply=Reply(text="word " * 100, chunks=100)))
    await house.ask(stream=True)
    (record,) = house.ledger()
    assert record.usage.estimated
    assert 50 <= record.usage.output_tokens <= 150
    assert record.cost


@pytest.mark.parametrize("provider", ["nobody", "offline "])
async def test_an_entry_of_an_unknown_provider(house: House, provider: str) -> None:
    house.registry.add(LLMEntry(id=50, name="Lost", provider=provider, model="m", tier="economy"))
    said = await house.ask(model="Lost")
    assert said.status in (500, 502)
    assert "nobody" in said.body.decode() or "offline" in said.body.decode()


async def test_an_entry_whose_key_no_header_can_carry(house: House) -> None:
    house.registry.replace(house.registry.get_by_id(1).using(api_key="sk-with\r\nx-evil: 1"))
    said = await house.ask(model="llm:1")
    assert said.status == 502
    assert "x-evil" not in said.body.decode()


async def test_a_local_request_never_leaves_home(house: House, vendor: VendorServer) -> None:
    house.registry.replace(
        house.registry.get_by_id(4).using(api_endpoint="https://api.openai.com/v1", provider="openai")
    )
    said = await house.ask(model="local")
    assert said.status == 404
    assert "would leave home" in said.document["error"]["message"]


async def test_a_field_only_openai_honours_is_answered_by_openai(open_house: Any, vendor: VendorServer) -> None:
    cheap = second(vendor, cost_per_1k_input="0.00001", cost_per_1k_output="0.00001")
    house: House = await open_house(extra=[cheap])
    assert (await house.ask()).headers["x-llm-id"] == "9"
    assert (await house.ask(n=2)).headers["x-llm-id"] == "1"
    said = await house.ask(model="standard", logprobs=True)
    assert said.status == 400
    assert said.document["error"]["param"] == "logprobs"


async def test_what_a_response_needs_of_openais_own_servers_is_refused_elsewhere(house: House) -> None:
    said = await house.ask(RESPONSES, model="economy", input="x", previous_response_id="resp_1")
    assert said.status == 400
    said = await house.ask(RESPONSES, model="economy", input="x", tools=[{"type": "web_search"}])
    assert said.status == 400


async def test_tools_and_pictures_go_to_a_model_that_can(open_house: Any, vendor: VendorServer) -> None:
    blind = second(vendor, cost_per_1k_input=0, cost_per_1k_output=0, capabilities={"chat"})
    house: House = await open_house(extra=[blind])
    assert (await house.ask()).headers["x-llm-id"] == "9"
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]}
    assert (await house.ask(messages=[picture])).headers["x-llm-id"] == "1"
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    assert (await house.ask(messages=MESSAGES, tools=tools)).headers["x-llm-id"] == "1"
