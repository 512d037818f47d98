"""Health, metrics, version."""

import json
from typing import Any

from creative_services import __version__
from creative_services.llms.dict_registry import DictRegistry
from creative_services.testing.vendors import Fault, VendorServer
from tests.server.house import House


async def got(house: House, path: str) -> Any:
    return await house.ask(path, method="GET", key=None)


async def metrics(house: House) -> dict[str, float]:
    page = (await got(house, "/metrics")).body.decode()
    lines = [line.rpartition(" ") for line in page.splitlines() if not line.startswith("#")]
    return {name.removeprefix("creative_services_gateway_"): float(value) for name, _, value in lines}


async def test_alive_and_ready(house: House) -> None:
    assert (await got(house, "/health/live")).document == {"status": "alive"}
    for path in ("/health", "/health/ready"):
        said = await got(house, path)
        assert (said.status, said.document) == (200, {"status": "ready"})


async def test_not_ready_without_an_entry(open_house: Any) -> None:
    house: House = await open_house(registry=DictRegistry([]))
    said = await got(house, "/health/ready")
    assert said.status == 503
    assert "entries" in said.document["why"]
    assert (await got(house, "/health/live")).status == 200


async def test_not_ready_while_it_drains(house: House) -> None:
    house.app.drain()
    said = await got(house, "/health/ready")
    assert (said.status, list(said.document["why"])) == (503, ["draining"])


async def test_not_ready_and_not_serving_when_calls_cannot_be_recorded(house: House) -> None:
    standing = house.app._gateway._books._keeper
    assert standing._spool is not None  # type: ignore[attr-defined]  # the one in every house
    standing._spool.waiting.append(b"[1]")  # type: ignore[attr-defined]
    assert (await got(house, "/health/ready")).status == 503
    said = await house.ask()
    assert (said.status, said.document["error"]["code"]) == (503, "limits_unavailable")
    standing._spool.waiting.clear()  # type: ignore[attr-defined]
    assert (await house.ask()).status == 200


async def test_its_version(house: House) -> None:
    assert (await got(house, "/version")).document["version"] == __version__


async def test_metrics_count_calls_tokens_money_and_refusals(house: House, vendor: VendorServer) -> None:
    for _ in range(3):
        await house.ask()
    vendor.script_for("gpt-small", Fault.status(400))
    await house.ask()
    await house.ask(model="nonsense")
    await house.ask(key="wrong")
    figures = await metrics(house)
    labels = 'surface="chat",tier="economy",provider="openai"'
    assert figures[f'calls_total{{{labels},status="200"}}'] == 3
    assert figures[f'calls_total{{{labels},status="400"}}'] == 1
    assert figures[f'tokens_total{{{labels},status="200",kind="output"}}'] == 15
    assert figures[f'cost_usd_total{{{labels},status="200"}}'] > 0
    assert figures[f'call_seconds_count{{{labels},status="200"}}'] == 3
    assert figures[f'call_seconds_bucket{{{labels},status="200",le="+Inf"}}'] == 3
    assert figures['refused_total{reason="invalid_api_key"}'] == 1
    assert figures["ready"] == 1


async def test_metrics_of_all_workers_whichever_is_asked(open_house: Any, vendor: VendorServer) -> None:
    first: House = await open_house()
    await first.ask()
    await first.ask()
    first.app._life._tick()  # type: ignore[attr-defined]  # as it does once a second
    second = House(vendor, first.settings.state)
    await second.open()
    await second.ask()
    name = 'calls_total{surface="chat",tier="economy",provider="openai",status="200"}'
    assert (await metrics(second))[name] == 3
    await second.close()


async def test_what_callers_write_makes_no_new_labels(house: House) -> None:
    for number in range(30):
        await house.ask(model=f"invented-{number}", headers={"x-request-id": f"r{number}"})
    page = (await got(house, "/metrics")).body.decode()
    assert "invented" not in page
    assert json.dumps("r1") not in page
