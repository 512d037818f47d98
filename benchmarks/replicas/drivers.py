"""What both registries are made to do, each in its own interpreter: ``drivers.py ours|theirs WORK WHERE COUNT``.

Ours needs this project on the path, theirs literegistry 1.0.63; neither imports the other.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any


class Ours:
    """creative_services."""

    def __init__(self, where: str) -> None:
        from creative_services.replicas import ModelRegistry, ServerRegistry, open_store

        self._store = open_store(where, **({"durable": False} if where.startswith(("file", "sqlite")) else {}))
        self._new = lambda: ServerRegistry(self._store, lease=3600)
        self.registry: Any = ModelRegistry(self._store)

    async def register(self, uri: str) -> None:
        await self._new().register_server(uri, None, {"model_path": "m"})

    async def choose(self) -> str:
        return await self.registry.get("m")

    async def calls(self, count: int, at_once: int) -> tuple[int, list[float]]:
        from creative_services.core.errors import ReplicaError
        from creative_services.replicas import RegistryHTTPClient

        async with RegistryHTTPClient(self.registry, "m", timeout=60) as client:
            return await measured(
                lambda: client.request_with_rotation("v1/completions", {"prompt": "x"}), count, at_once, ReplicaError
            )


class Theirs:
    """literegistry."""

    def __init__(self, where: str) -> None:
        from literegistry import RegistryClient, ServerRegistry, get_kvstore

        logging.disable(logging.CRITICAL)
        self._store = get_kvstore(where)
        self._new = lambda: ServerRegistry(self._store)
        self.registry: Any = RegistryClient(self._store)

    async def register(self, uri: str) -> None:
        url, _, port = uri.rpartition(":")
        await self._new().register_server(url, int(port), {"model_path": "m"})

    async def choose(self) -> str:
        return await self.registry.sample_servers("m", 1)

    async def calls(self, count: int, at_once: int) -> tuple[int, list[float]]:
        from literegistry import RegistryHTTPClient

        async with RegistryHTTPClient(self.registry, "m") as client:
            return await measured(
                lambda: client.request_with_rotation("v1/completions", {"prompt": "x"}), count, at_once, Exception
            )


async def measured(
    call: Callable[[], Awaitable[Any]], count: int, at_once: int, kind: type[Exception]
) -> tuple[int, list[float]]:
    """(failures, seconds of each call)."""
    failed, took, left = 0, [], iter(range(count))

    async def work() -> None:
        nonlocal failed
        for _ in left:
            started = time.perf_counter()
            try:
                await call()
            except kind:
                failed += 1
            took.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return failed, took


async def roster(side: Any, count: int) -> dict[str, float]:
    """Milliseconds of a roster of ``count`` servers."""
    for number in range(count):
        await side.register(f"http://10.0.{number // 250}.{number % 250}:8000")
    took = []
    for _ in range(9):
        started = time.perf_counter()
        found = await side.registry.roster()
        took.append(time.perf_counter() - started)
        assert len(found["servers"]) == count, len(found["servers"])
    # The least disturbed one: other programs run here too.
    return {"ms": min(took) * 1000}


async def choice(side: Any, count: int) -> dict[str, float]:
    """Microseconds of a choice among ``count`` known servers."""
    for number in range(count):
        await side.register(f"http://10.0.{number // 250}.{number % 250}:8000")
    await side.choose()
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        for _ in range(500):
            await side.choose()
        best = min(best, (time.perf_counter() - started) / 500)
    return {"us": best * 1e6}


async def calls(side: Any, count: int) -> dict[str, float]:
    """Calls to whoever is on the roster, sixteen at once."""
    await side.calls(200, 16)
    started = time.perf_counter()
    failed, took = await side.calls(count, 16)
    spent = time.perf_counter() - started
    took.sort()
    return {"failed": failed, "per_second": count / spent, "p99_ms": took[len(took) * 99 // 100] * 1000}


async def main(which: str, work: str, where: str, count: int, *uris: str) -> None:
    """One measurement, told as JSON."""
    side = {"ours": Ours, "theirs": Theirs}[which](where)
    for uri in uris:
        await side.register(uri)
    print(json.dumps(await {"roster": roster, "choice": choice, "calls": calls}[work](side, count)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:]))
