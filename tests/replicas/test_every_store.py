"""Registry and routing, one suite over every store against the real server (Consul: its double), faults included."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from creative_services.core.errors import StoreError
from creative_services.replicas import ModelRegistry, ServerRegistry, open_store
from creative_services.server.replicas import RoutingService, routing_service
from tests.replicas.proxy import Cable, cable
from tests.replicas.service import RoutingServer
from tests.replicas.stores import EVERY, SERVED, Kind, StartServer
from tests.server.replicas.test_service import Visit, ask, register, routed
from tests.stores.conftest import own_server as own_server
from tests.stores.conftest import shared_server as shared_server

pytestmark = pytest.mark.thorough

every_kind = pytest.mark.parametrize("kind", EVERY.values(), ids=EVERY)
every_server = pytest.mark.parametrize("kind", SERVED.values(), ids=SERVED)

LEASE = 2.0


@pytest.fixture
def model() -> str:
    """A server is shared by the tests of a session; no two of them share a model."""
    return f"m-{uuid4().hex[:8]}"


@pytest.fixture
def url(kind: Kind, tmp_path: Path, shared_server: StartServer) -> str:
    return kind.url(tmp_path, shared_server)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def servers(url: str, model: str, *ports: int, lease: float = LEASE) -> AsyncIterator[list[ServerRegistry]]:
    """Registered, and showing life."""
    async with AsyncExitStack() as stack:
        registries = []
        for port in ports:
            registry = await stack.enter_async_context(ServerRegistry(open_store(url), lease=lease))
            await registry.register_server("http://a", port, {"model_path": model})
            await stack.enter_async_context(registry.keeping_alive())
            registries.append(registry)
        yield registries


@every_kind
async def test_a_server_is_found_while_it_lives(url: str, model: str) -> None:
    async with ModelRegistry(open_store(url), lease=LEASE) as reader:
        async with servers(url, model, 1, 2) as [one, two]:
            assert sorted(await reader.get_all(model, force=True)) == ["http://a:1", "http://a:2"]
            await asyncio.sleep(LEASE * 1.5)
            assert len(await reader.get_all(model, force=True)) == 2
            await one.drain()
            assert await reader.get_all(model, force=True) == ["http://a:2"]
            assert await two.deregister()
            assert not await two.heartbeat()
            assert await reader.get_all(model, force=True) == []
            await one.drain(False)
            assert await reader.get_all(model, force=True) == ["http://a:1"]
        # Nobody shows life any more: hidden once the lease is over.
        started = time.monotonic()

        async def gone() -> bool:
            return await reader.get_all(model, force=True) == []

        await until(gone)
        assert time.monotonic() - started < LEASE + 5


@asynccontextmanager
async def services(url: str, count: int = 2, lease: float = LEASE) -> AsyncIterator[list[RoutingService]]:
    """Routing services over one store, each with connections of its own."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            store: Any = open_store(url)
            if hasattr(store, "aclose"):
                stack.push_async_callback(store.aclose)
            app = routing_service(store, lease=lease)
            stack.push_async_callback(app.aclose)
            await app.start()
            made.append(app)
        yield made


def finds(app: RoutingService, model: str, expected: str | None) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return await routed(app, model=model) == expected

    return found


@every_kind
async def test_services_share_one_roster(url: str, model: str) -> None:
    name = f"r-{model}"
    async with services(url) as [one, two]:
        held = await register(one, name, {"model": model})
        await until(finds(two, model, name))
        moved = await register(two, name, {"model": model}, endpoint="elsewhere:1")
        await asyncio.wait_for(held.task, 10)
        assert held.events[-1]["status"] == "replaced"
        await until(finds(one, model, name))
        assert (await ask(one, f"/route?model={model}"))[1]["endpoint"] == "elsewhere:1"
        assert (await ask(one, f"/drain/{name}", "POST"))[0] == 200
        await until(finds(two, model, None))
        assert (await ask(two, f"/drain/{name}", "DELETE"))[0] == 200
        await until(finds(one, model, name))
        assert (await ask(one, f"/register/{name}", "DELETE"))[0] == 200
        await asyncio.wait_for(moved.task, 10)
        assert moved.events[-1]["status"] == "evicted"
        assert await routed(two, model=model) is None


@every_kind
async def test_a_service_that_dies_takes_its_replicas_along_and_no_others(url: str, model: str) -> None:
    async with services(url) as [dying, living]:
        lost = await register(dying, f"lost-{model}", {"model": model})
        kept = await register(living, f"kept-{model}", {"model": model})
        await until(lambda: _both(living, model, 2))
        for task in dying._roll._tasks:  # type: ignore[attr-defined]  # as kill -9 would
            task.cancel()
        await until(lambda: _both(living, model, 1), LEASE + 15)
        assert await routed(living, model=model) == f"kept-{model}"
        lost.task.cancel()
        with suppress(asyncio.CancelledError):
            await lost.task
        await kept.leave()


async def _both(app: RoutingService, model: str, count: int) -> bool:
    known = (await ask(app, "/registry"))[1]["replicas"]
    return len([one for one in known if one["capabilities"] == [{"model": model}]]) == count


@every_server
async def test_a_store_killed_and_frozen_loses_nobody(kind: Kind, own_server: StartServer, model: str) -> None:
    """Faults shorter than the lease: whoever is alive is routed to and found at every moment."""
    assert kind.server
    server = own_server(kind.server)
    async with (
        services(server.url, lease=10.0) as [one, two],
        servers(server.url, model, 1, lease=10.0),
        ModelRegistry(open_store(server.url), lease=10.0) as reader,
    ):
        held = [await register(app, f"r{number}", {"model": model}) for number, app in enumerate((one, two))]
        for app in (one, two):
            await until(lambda app=app: _both(app, model, 2))  # type: ignore[misc]  # bound now
        assert await reader.get(model) == "http://a:1"

        async def never_lost(seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                assert await _both(one, model, 2)
                assert await _both(two, model, 2)
                assert await reader.get(model) == "http://a:1"
                await asyncio.sleep(0.05)

        server.kill()
        await never_lost(1.0)
        await asyncio.to_thread(server.start)
        await never_lost(2.0)
        server.freeze()
        await never_lost(1.5)
        server.thaw()
        await never_lost(2.0)
        # And who comes and goes afterwards is noticed as before.
        newcomer = await _registered_at_last(one, f"new-{model}", model)
        await until(lambda: _both(two, model, 3), 20)
        for visit in (*held, newcomer):
            await visit.leave()
        await until(finds(two, model, None), 20)


async def _registered_at_last(app: RoutingService, name: str, model: str) -> Visit:
    """While the store is out, registrations are refused with 503; a client tries again."""
    async with asyncio.timeout(20):
        while True:
            visit = await register(app, name, {"model": model})
            if visit.status == 200:
                return visit
            assert visit.status == 503
            await asyncio.sleep(0.2)


@every_server
async def test_a_store_that_is_away_is_an_error_and_no_empty_roster(kind: Kind, own_server: StartServer) -> None:
    assert kind.server
    server = own_server(kind.server)
    url = server.url
    server.kill()
    async with ServerRegistry(open_store(url)) as registry:
        with pytest.raises(StoreError):
            await registry.roster()
    store: Any = open_store(url)
    app = routing_service(store)
    with pytest.raises(StoreError):
        await app.start()
    await app.aclose()
    await store.aclose()


@pytest.fixture
def fleet(url: str, tmp_path: Path) -> Iterator[list[RoutingServer]]:
    """Three processes of the service over one store."""
    processes = []
    for number in range(3):
        process = RoutingServer(tmp_path / f"service-{number}")
        process.options = ("--store", url)
        process.start()
        processes.append(process)
    yield processes
    for process in processes:
        process.stop()


@pytest.mark.parametrize("kind", [each for name, each in EVERY.items() if name != "memory"],
                         ids=[name for name in EVERY if name != "memory"])  # fmt: skip
def test_processes_share_one_roster_and_one_of_them_may_be_killed(fleet: list[RoutingServer], model: str) -> None:
    from creative_services.replicas import Registration

    def waits(condition: Callable[[], bool], seconds: float = 25.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.1)

    one, two, three = fleet
    addresses = [one.url, two.url, three.url]
    with Registration(addresses, "h:1", [{"model": model}], replica_id=f"r-{model}") as registration:
        for process in fleet:
            waits(lambda process=process: process.ask(f"/route?model={model}")[0] == 200)  # type: ignore[misc]  # bound now
        one.kill()
        waits(lambda: registration.registered)
        for process in (two, three):
            waits(lambda process=process: process.ask(f"/route?model={model}")[0] == 200)  # type: ignore[misc]  # bound now
    for process in (two, three):
        waits(lambda process=process: process.ask(f"/route?model={model}")[0] == 404)  # type: ignore[misc]  # bound now


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)]
    mounting = subprocess.run(mount, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    if mounting.returncode:
        pytest.skip(f"nothing can be mounted here: {mounting.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("kind", [EVERY["file"], EVERY["sqlite"]], ids=["file", "sqlite"])
async def test_a_full_disk_is_told_and_nobody_who_is_known_is_lost(kind: Kind, small_disk: Path, model: str) -> None:
    url = kind.url(small_disk, pytest.fail)
    async with services(url, lease=3.0) as [one, two]:
        held = await register(one, "known", {"model": model})
        await until(finds(two, model, "known"))
        filler = small_disk / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        body = {"replica_id": "late", "endpoint": "h:1", "capabilities": [{"model": model, "note": "x" * 1000}]}
        status, answer = await ask(one, "/register", "POST", body=json.dumps(body).encode())
        assert status == 503
        assert "No space left" in answer["detail"] or "full" in answer["detail"]
        # For as long as the lease has not ended, and for the process that holds it for longer than that.
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            assert await routed(one, model=model) == "known"
            await asyncio.sleep(0.05)
        filler.unlink()
        late = await _registered_at_last(one, "late", model)
        await until(lambda: _both(two, model, 2))
        await held.leave()
        await late.leave()


@asynccontextmanager
async def cabled(kind: Kind, port: int, lease: float) -> AsyncIterator[tuple[RoutingService, Cable]]:
    """A service whose way to the store can be cut."""
    async with cable(port) as way:
        store: Any = open_store(f"{kind.scheme}://127.0.0.1:{way.port}", timeout=1.0)
        app = routing_service(store, lease=lease)
        await app.start()
        yield app, way
        way.mend()
        await app.aclose()
        await store.aclose()


@every_server
async def test_a_service_cut_off_from_its_store_keeps_what_it_knows(
    kind: Kind, own_server: StartServer, model: str
) -> None:
    """For longer than the lease, half-open: the others believe it dead; mended, all agree again."""
    assert kind.server
    server = own_server(kind.server)
    lease = 3.0
    async with services(server.url, count=1, lease=lease) as [one], cabled(kind, server.port, lease) as (two, way):
        near = await register(two, f"near-{model}", {"model": model})
        far = await register(one, f"far-{model}", {"model": model})
        for app in (one, two):
            await until(lambda app=app: _both(app, model, 2))  # type: ignore[misc]  # bound now
        way.cut()
        started = time.monotonic()
        while time.monotonic() < started + lease + 2:
            assert await _both(two, model, 2), "who is cut off loses nobody"
            await asyncio.sleep(0.05)
        await until(lambda: _both(one, model, 1), lease + 8)
        assert await routed(one, model=model) == f"far-{model}"
        way.mend()
        await until(lambda: _both(one, model, 2), 20)
        assert await _both(two, model, 2)
        for visit in (near, far):
            await visit.leave()
        for app in (one, two):
            await until(finds(app, model, None), 20)


@every_server
async def test_a_slow_store_delays_registrations_and_no_route(kind: Kind, own_server: StartServer, model: str) -> None:
    assert kind.server
    server = own_server(kind.server)
    async with cabled(kind, server.port, 10.0) as (app, way):
        held = await register(app, f"a-{model}", {"model": model})
        way.delay = 0.1
        started = time.monotonic()
        for _ in range(200):
            assert await routed(app, model=model) == f"a-{model}"
        assert time.monotonic() - started < 1.0
        other = await _registered_at_last(app, f"b-{model}", model)
        assert await _both(app, model, 2)
        way.delay = 0.0
        for visit in (held, other):
            await visit.leave()
