"""A roster as those see it who look after it: at a service and in a store, read and changed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from creative_services.core.errors import ReplicaError, ReplicaRefusedError
from creative_services.replicas import Registration, RequestCounterMiddleware, ServerRegistry, open_store
from creative_services.replicas.desk import Seen, ServiceDesk, desk_at
from creative_services.server.replicas import routing_service
from tests.replicas.service import RoutingServer
from tests.server.replicas.test_service import register


def test_at_a_service(routing: RoutingServer) -> None:
    desk = desk_at(routing.url)
    with Registration(routing.url, "h:1", [{"model": "m"}], replica_id="a/b c"):
        (seen,) = desk.read()
        assert (seen.replica.id, seen.replica.endpoint, seen.connected) == ("a/b c", "h:1", True)
        assert seen.since is not None
        assert routing.process is not None
        assert seen.holder.endswith(f":{routing.process.pid}")
        assert desk.drain("a/b c")
        assert desk.read()[0].replica.draining
        assert desk.drain("a/b c", draining=False)
        assert desk.evict("a/b c")
        assert desk.read() == []
        assert not desk.evict("a/b c")
        assert not desk.drain("a/b c")


async def test_what_a_replica_counts_is_told_through_the_middleware(routing: RoutingServer) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        """A model server's."""

    registration = Registration(routing.url, "h:1", [{"model": "m"}], replica_id="a/b c")
    counting = RequestCounterMiddleware(app, registry=registration)
    assert not await counting.publish(), "nobody is registered yet"
    with registration:
        await counting({"type": "http"}, None, None)  # type: ignore[arg-type]  # the app asks for neither
        counting.counts.in_flight = 2
        assert await counting.publish()
        (seen,) = desk_at(routing.url).read()
        assert (seen.in_flight, seen.answered) == (2, 1)
        assert seen.latency is not None
        # What is documented is told as it is documented.
        assert routing.ask("/registry")[1] == {
            "replicas": [{"replica_id": "a/b c", "endpoint": "h:1", "capabilities": [{"model": "m"}]}]
        }
    await counting.aclose()
    for wrong in ([], {"request_stats": {"in_flight": "many"}}, {"request_stats": {"in_flight": -1}}):
        assert routing.ask("/register/r", "PUT", wrong)[0] == 422
    assert routing.ask("/register/nobody", "PUT", {"request_stats": {"in_flight": 1}})[0] == 404


def test_in_a_store_servers_and_replicas(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/roster.db"

    async def life() -> None:
        store: Any = open_store(url)
        app = routing_service(store, lease=3.0)
        await app.start()
        held = await register(app, "one")
        async with ServerRegistry(store) as server:
            stats = {"last_15_minutes": 3, "last_15_minutes_latency": 0.5, "in_flight": 1}
            await server.register_server(8000, {"model_path": "m"}, data={"request_stats": stats})
            await asyncio.to_thread(look)
            await asyncio.wait_for(held.task, 5)
            assert held.events[-1]["status"] == "evicted"
            await app.aclose()

    def look() -> None:
        desk = desk_at(url)
        connected, server = sorted(desk.read(), key=lambda seen: not seen.connected)
        assert (connected.replica.id, connected.replica.draining) == ("one", False)
        assert connected.since is not None
        assert connected.holder
        assert (server.in_flight, server.answered, server.latency) == (1, 3, 0.5)
        assert server.beat is not None
        assert desk.drain("one")
        assert _one(desk.read()).replica.draining
        assert not desk.evict(server.replica.id), "a server that registered itself would only come back"
        assert desk.evict("one")
        assert not desk.evict("one")

    asyncio.run(life())


def _one(seen: Any) -> Seen:
    (found,) = [each for each in seen if each.connected]
    assert isinstance(found, Seen)
    return found


def test_what_is_no_service_is_told(routing: RoutingServer) -> None:
    with pytest.raises(ReplicaError, match="Does it run"):
        desk_at("http://127.0.0.1:9").read()
    with pytest.raises(ReplicaRefusedError, match="404"):
        ServiceDesk(f"{routing.url}/elsewhere").read()
