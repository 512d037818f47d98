"""Connections end with their loop, their store, or the last who knows it; silently in all three cases."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from creative_services.core.errors import StoreError
from creative_services.stores._per_loop import PerLoop
from creative_services.stores.consul import ConsulKVStore
from creative_services.stores.etcd import EtcdKVStore
from creative_services.stores.nats import NATSKVStore
from creative_services.stores.redis import RedisKVStore
from tests.servers import free_ports


class Connection:
    """Notes whether it was closed, which takes a moment."""

    def __init__(self) -> None:
        self.closings = 0

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closings += 1


def connections() -> tuple[PerLoop[Connection], list[Connection]]:
    made: list[Connection] = []

    def make() -> Connection:
        made.append(Connection())
        return made[-1]

    return PerLoop(make, Connection.aclose), made


def complaints_of(work: Callable[[], Any]) -> list[str]:
    """What a loop complained of that ran ``work()`` and ended."""
    heard: list[str] = []
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _, told: heard.append(str(told["message"])))
        runner.run(work())
    return heard


def test_a_loop_that_ends_closes_what_was_left_open() -> None:
    lines, made = connections()
    assert complaints_of(lines.here) == []
    assert [one.closings for one in made] == [1]


def test_each_loop_has_its_own_and_a_closed_one_is_not_kept() -> None:
    lines, made = connections()
    for _ in range(3):
        asyncio.run(lines.here())
    assert [one.closings for one in made] == [1, 1, 1]
    assert len(lines._loops) == 1


async def test_closed_once_by_its_owner() -> None:
    lines, made = connections()
    assert await lines.here() is await lines.here()
    await lines.aclose()
    await lines.aclose()
    assert [one.closings for one in made] == [1]


async def test_an_owner_that_is_dropped_leaves_nothing_open() -> None:
    lines, made = connections()
    await lines.here()
    gc.disable()  # by counting alone: a collection later would warn of what nobody closed
    try:
        del lines
        await asyncio.sleep(0.05)
    finally:
        gc.enable()
    assert [one.closings for one in made] == [1]


@pytest.mark.parametrize("kind", [ConsulKVStore, EtcdKVStore, RedisKVStore, NATSKVStore])
@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
async def test_a_store_that_is_dropped_warns_of_nothing(kind: Any) -> None:
    schemes = {ConsulKVStore: "http", EtcdKVStore: "etcd", RedisKVStore: "redis", NATSKVStore: "nats"}
    store = kind(f"{schemes[kind]}://127.0.0.1:{free_ports(1)[0]}", timeout=0.3)
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    with suppress(StoreError):
        await store.get("a")
    del store
    gc.collect()
    await asyncio.sleep(0.05)
    gc.collect()
    assert complaints == []
