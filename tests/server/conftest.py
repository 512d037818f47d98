"""A gateway on a port of this machine, in the test's own loop, with a scripted vendor behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from creative_services.testing.vendors import VendorServer
from tests.server.house import KEY, House
from tests.servers import RedisServer


@pytest.hookimpl(optionalhook=True)  # of pytest-asyncio 1.4 and later
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def vendor() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
async def open_house(tmp_path: Path, vendor: VendorServer) -> AsyncIterator[Callable[..., Any]]:
    """``await open_house(...)`` is a gateway; what is given overrides what it would be."""
    houses: list[House] = []

    async def open_one(**given: Any) -> House:
        house = House(vendor, tmp_path / f"state-{len(houses)}", **given)
        houses.append(house)
        await house.open()
        return house

    yield open_one
    for house in houses:
        await house.close()


@pytest.fixture
async def house(open_house: Callable[..., Any]) -> House:
    """The usual one: a key, an entry of each vendor."""
    opened: House = await open_house()
    return opened


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """One of the test's own, to be killed and started again."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()
