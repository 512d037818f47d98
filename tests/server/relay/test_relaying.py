"""A call to an endpoint of the caller's own dialect: what travels, what comes back, what is written down."""

import json
from decimal import Decimal

from creative_services.testing.vendors import Fault, Reply, Tokens, VendorServer
from tests.server.house import ANTHROPIC, EMBEDDINGS, KEY, VENDOR_KEY, House


async def test_the_answer_is_the_vendors_bytes_and_says_who_gave_it(house: House) -> None:
    said = await house.ask()
    assert said.status == 200
    assert said.document["choices"][0]["message"]["content"] == "Hello from gpt-small."
    assert said.headers["x-llm-id"] == "1"
    assert said.headers["x-llm-model"] == "gpt-small"
    assert said.headers["x-llm-attempts"] == "1"
    assert said.headers["x-request-id"].startswith("req_")


async def test_only_the_model_and_the_key_are_changed(house: House, vendor: VendorServer) -> None:
    await house.ask(whatever={"nested": [1, {"model": "economy"}]}, temperature=0.3)
    (seen,) = vendor.requests
    assert seen.body == {
        "model": "gpt-small",
        "messages": [{"role": "user", "content": "hi"}],
        "whatever": {"nested": [1, {"model": "economy"}]},
        "temperature": 0.3,
    }
    assert seen.headers["authorization"] == f"Bearer {VENDOR_KEY}"


async def test_none_of_the_callers_headers_reach_the_vendor(house: House, vendor: VendorServer) -> None:
    await house.ask(headers={"cookie": "a=b", "x-forwarded-for": "10.0.0.1", "x-secret": "s", "te": "trailers"})
    (seen,) = vendor.requests
    assert set(seen.headers) == {
        "host",
        "content-type",
        "accept-encoding",
        "content-length",
        "user-agent",
        "authorization",
    }
    assert KEY not in json.dumps(seen.headers)


async def test_a_version_and_a_beta_of_anthropics_dialect_are_handed_on(house: House, vendor: VendorServer) -> None:
    await house.ask(
        ANTHROPIC, model="standard", headers={"anthropic-beta": "new-thing", "anthropic-version": "2023-06-01"}
    )
    (seen,) = vendor.requests
    assert seen.headers["anthropic-beta"] == "new-thing"
    assert seen.headers["x-api-key"] == VENDOR_KEY
    assert "authorization" not in seen.headers


async def test_what_it_used_and_cost_is_in_the_head_and_in_the_ledger(house: House, vendor: VendorServer) -> None:
    vendor.script(Reply(text="x", usage=Tokens(input=1000, output=500, cache_read=200)))
    said = await house.ask(user="somebody")
    assert Decimal(said.headers["x-llm-cost"]) == Decimal("0.002")
    (record,) = house.ledger()
    assert record.request_id == said.headers["x-request-id"]
    assert (record.surface, record.status, record.asked, record.tier) == ("chat", 200, "economy", "economy")
    assert (record.llm_id, record.provider, record.model, record.attempts) == (1, "openai", "gpt-small", 1)
    assert (record.key_id, record.cost) == ("key-1", Decimal("0.002"))
    assert (record.usage.input_tokens, record.usage.output_tokens, record.usage.cached_tokens) == (1000, 500, 200)


async def test_a_stream_passes_and_tells_its_usage_though_nobody_asked(house: House, vendor: VendorServer) -> None:
    vendor.script(Reply(text="one two three", usage=Tokens(input=1000, output=500)))
    said = await house.ask(stream=True)
    assert vendor.requests[0].body["stream_options"] == {"include_usage": True}
    assert said.headers["content-type"].startswith("text/event-stream")
    assert (
        "".join(e["choices"][0]["delta"].get("content") or "" for e in said.events if e["choices"]) == "one two three"
    )
    assert said.events[-1]["usage"]["total_tokens"] == 1500
    assert said.body.endswith(b"data: [DONE]\n\n: x-llm-cost 0.002\n\n")
    (record,) = house.ledger()
    assert record.streamed
    assert record.cost == Decimal("0.002")


async def test_a_caller_who_knows_stream_options_keeps_its_own(house: House, vendor: VendorServer) -> None:
    await house.ask(stream=True, stream_options={"include_usage": True, "include_obfuscation": False})
    assert vendor.requests[0].body["stream_options"] == {"include_usage": True, "include_obfuscation": False}


async def test_an_anthropic_stream_passes_byte_for_byte(house: House, vendor: VendorServer) -> None:
    vendor.script(Reply(text="one two", usage=Tokens(input=100, output=50, cache_read=40)))
    said = await house.ask(ANTHROPIC, model="standard", stream=True)
    assert [event["type"] for event in said.events] == [
        "message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
        "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    (record,) = house.ledger()
    assert (record.usage.input_tokens, record.usage.output_tokens, record.usage.cached_tokens) == (100, 50, 40)


async def test_embeddings_pass(house: House) -> None:
    said = await house.ask(EMBEDDINGS, model="economy", input=["a", "b"])
    assert said.status == 200
    assert len(said.document["data"]) == 2
    assert said.headers["x-llm-id"] == "5"
    (record,) = house.ledger()
    assert (record.surface, record.model) == ("embeddings", "text-small")


async def test_by_id_by_name_and_by_the_vendors_model(house: House) -> None:
    for model in ("llm:1", "Small", "gpt-small", "tier:economy"):
        said = await house.ask(model=model)
        assert (said.status, said.headers["x-llm-id"]) == (200, "1"), model


async def test_a_callers_request_id_is_kept_when_it_is_one(house: House) -> None:
    assert (await house.ask(headers={"x-request-id": "trace-42"})).headers["x-request-id"] == "trace-42"
    assert (await house.ask(headers={"x-request-id": "a b;c"})).headers["x-request-id"].startswith("req_")


async def test_a_refused_addition_of_ours_is_left_out_from_then_on(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.status(400, message="Unknown parameter: 'stream_options'.", param="stream_options"))
    assert (await house.ask(stream=True)).status == 200
    assert "stream_options" not in vendor.requests[1].body
    await house.ask(stream=True)
    assert "stream_options" not in vendor.requests[2].body


async def test_a_limit_by_its_other_name_when_the_model_wants_it_so(house: House, vendor: VendorServer) -> None:
    words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    vendor.script(Fault.status(400, message=words, param="max_tokens"))
    assert (await house.ask(max_tokens=7)).status == 200
    assert vendor.requests[1].body["max_completion_tokens"] == 7
    assert "max_tokens" not in vendor.requests[1].body


async def test_options_of_the_entry_are_added_unless_the_caller_says_otherwise(
    house: House, vendor: VendorServer
) -> None:
    entry = house.registry.get_by_id(1).using(options={"top_p": 0.5, "headers": {"x-team": "blue"}})
    house.registry.replace(entry)
    await house.ask()
    await house.ask(top_p=0.9)
    assert [seen.body["top_p"] for seen in vendor.requests] == [0.5, 0.9]
    assert vendor.requests[0].headers["x-team"] == "blue"
