"""What the head of every answer says, good or bad: which request, who answered, how many tries, what it cost."""

from typing import Any

import pytest

from creative_services.testing.vendors import Fault, VendorServer
from tests.server.house import ANTHROPIC, CHAT, EMBEDDINGS, RESPONSES, House, Said


def head(said: Said) -> tuple[str | None, ...]:
    assert said.headers["x-request-id"]
    return tuple(said.headers.get(f"x-llm-{name}") for name in ("id", "model", "attempts", "cost"))


@pytest.mark.parametrize("path", [CHAT, ANTHROPIC, RESPONSES, EMBEDDINGS])
async def test_of_a_good_answer(house: House, path: str) -> None:
    said = await house.ask(path, model="economy", input="hi")
    llm, model, attempts, cost = head(said)
    assert (llm, model, attempts) == (("5", "text-small", "1") if path == EMBEDDINGS else ("1", "gpt-small", "1"))
    assert float(cost or 0) > 0


@pytest.mark.parametrize("path", [CHAT, ANTHROPIC, RESPONSES])
async def test_of_a_stream(house: House, path: str) -> None:
    said = await house.ask(path, model="economy", input="hi", stream=True)
    assert head(said) == ("1", "gpt-small", "1", None)
    # No head can know it: a comment behind the last event does.
    assert b": x-llm-cost 0.0" in said.body.rsplit(b"data:", 1)[1]


@pytest.mark.parametrize("path", [CHAT, ANTHROPIC, RESPONSES])
async def test_of_a_vendors_no(house: House, vendor: VendorServer, path: str) -> None:
    vendor.script(Fault.status(400, message="no"))
    said = await house.ask(path, model="economy", input="hi")
    assert (said.status, head(said)) == (400, ("1", "gpt-small", "1", None))


async def test_of_failures_in_a_row(house: House, vendor: VendorServer) -> None:
    vendor.script(*[Fault.status(500)] * 9)
    said = await house.ask(headers={"x-llm-timeout": "2"})
    llm, model, attempts, _ = head(said)
    assert (said.status, llm, model) == (502, "1", "gpt-small")
    assert int(attempts or 0) >= 2


@pytest.mark.parametrize(
    ("given", "status"),
    [({"model": "gpt-99"}, 404), ({"key": "wrong"}, 401), ({"data": b"{"}, 400), ({"method": "PUT"}, 405),
     ({"headers": {"content-type": "text/plain"}}, 415)],
)  # fmt: skip
@pytest.mark.parametrize("path", [CHAT, ANTHROPIC])
async def test_of_a_refusal_that_asked_nobody(house: House, path: str, given: dict[str, Any], status: int) -> None:
    said = await house.ask(path, **given)
    assert (said.status, head(said)) == (status, (None, None, "0", "0"))


async def test_of_a_path_that_is_none(house: House) -> None:
    said = await house.ask("/v1/completions")
    assert (said.status, head(said)) == (404, (None, None, "0", "0"))
