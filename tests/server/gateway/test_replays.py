"""The same Idempotency-Key: one call, one charge, one answer."""

import asyncio
from typing import Any

from creative_services.testing.vendors import Fault, Reply, VendorServer
from tests.server.house import KEY, House

OTHER = "another-key-of-the-tests-0123"


async def test_an_answer_comes_again_and_costs_nothing(house: House, vendor: VendorServer) -> None:
    first = await house.ask(headers={"idempotency-key": "a"})
    again = await house.ask(headers={"idempotency-key": "a"})
    assert again.body == first.body
    assert again.headers["x-llm-replayed"] == "true"
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert len(vendor.requests) == 1
    assert len(house.ledger()) == 1


async def test_a_stream_comes_again(house: House, vendor: VendorServer) -> None:
    first = await house.ask(stream=True, headers={"idempotency-key": "a"})
    again = await house.ask(stream=True, headers={"idempotency-key": "a"})
    assert again.body == first.body
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(vendor.requests) == 1


async def test_another_request_with_the_same_key(house: House) -> None:
    await house.ask(headers={"idempotency-key": "a"})
    said = await house.ask(headers={"idempotency-key": "a"}, temperature=0.5)
    assert said.status == 422
    assert said.document["error"]["code"] == "idempotency_key_reused"


async def test_the_same_at_the_same_time(house: House, vendor: VendorServer) -> None:
    vendor.default = Reply(delay=0.2)
    answers = await asyncio.gather(*(house.ask(headers={"idempotency-key": "a"}) for _ in range(4)))
    assert sorted(said.status for said in answers) == [200, 409, 409, 409]
    assert (await house.ask(headers={"idempotency-key": "a"})).headers["x-llm-replayed"] == "true"
    assert len(vendor.requests) == 1


async def test_a_failure_is_not_kept(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.status(400))
    assert (await house.ask(headers={"idempotency-key": "a"})).status == 400
    assert (await house.ask(headers={"idempotency-key": "a"})).status == 200


async def test_a_broken_stream_is_not_kept(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.cut(after=2, reply=Reply(text="one two three", gap=0.02)))
    await house.ask(stream=True, headers={"idempotency-key": "a"})
    said = await house.ask(stream=True, headers={"idempotency-key": "a"})
    assert b"[DONE]" in said.body


async def test_another_owner_never_sees_it(open_house: Any, vendor: VendorServer) -> None:
    house: House = await open_house(keys=f"ada={KEY},bob={OTHER}")
    vendor.script(Reply(text="for Ada"), Reply(text="for Bob"))
    await house.ask(headers={"idempotency-key": "a"})
    said = await house.ask(key=OTHER, headers={"idempotency-key": "a"})
    assert "for Bob" in said.body.decode()


async def test_another_worker_of_the_machine_knows_it(open_house: Any, vendor: VendorServer, tmp_path: Any) -> None:
    first: House = await open_house()
    second = House(vendor, first.settings.state)
    await second.open()
    await first.ask(headers={"idempotency-key": "a"})
    assert (await second.ask(headers={"idempotency-key": "a"})).headers["x-llm-replayed"] == "true"
    await second.close()


async def test_a_key_that_is_none(house: House) -> None:
    assert (await house.ask(headers={"idempotency-key": "x" * 300})).status == 400
    assert (await house.ask(headers={"idempotency-key": "../../etc/passwd"})).status == 200
