"""Requests counted in an application of any make, and told with the heartbeat."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.replicas import RequestCounterMiddleware, ServerRegistry
from creative_services.replicas.middleware import WINDOW, Counts
from creative_services.stores.memory import MemoryKVStore


async def nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def drop(message: Any) -> None:
    pass


async def test_requests_are_counted_and_published() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert middleware.counts.in_flight == 1
        if scope["path"] == "/broken":
            raise ZeroDivisionError

    registry = ServerRegistry(MemoryKVStore())
    middleware = RequestCounterMiddleware(app, registry=registry)
    assert not await middleware.publish()
    await registry.register_server("http://a", 1)
    for _ in range(3):
        await middleware({"type": "http", "path": "/"}, nothing, drop)
    with pytest.raises(ZeroDivisionError):
        await middleware({"type": "http", "path": "/broken"}, nothing, drop)
    assert await middleware.publish()
    told = (await registry.roster())["servers"][0]["data"]["request_stats"]
    assert told["last_15_minutes"] == 4
    assert told["in_flight"] == 0
    assert 0 <= told["last_15_minutes_latency"] < 1
    await middleware.aclose()


async def test_it_keeps_the_server_alive_from_start_to_end() -> None:
    registry = ServerRegistry(MemoryKVStore(), lease=0.3)
    await registry.register_server("http://a", 1)
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await ended.wait()

    middleware = RequestCounterMiddleware(app, registry=registry)
    living = asyncio.create_task(middleware({"type": "lifespan"}, nothing, drop))
    await asyncio.sleep(0.7)
    assert len((await registry.roster())["servers"]) == 1
    ended.set()
    await living
    await asyncio.sleep(0.4)
    assert (await registry.roster())["servers"] == []


async def test_in_a_fastapi_application() -> None:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()
    registry = ServerRegistry(MemoryKVStore())
    app.add_middleware(RequestCounterMiddleware, registry=registry)

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"message": "Hello World"}

    await registry.register_server("http://a", 1)
    sent: list[Any] = []

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "method": "GET", "headers": [], "query_string": b"", "http_version": "1.1"}
    await app(scope, nothing, keep)
    assert sent[0]["status"] == 200
    middleware = app.middleware_stack
    while not isinstance(middleware, RequestCounterMiddleware):
        middleware = middleware.app
    await middleware.publish()
    assert (await registry.roster())["servers"][0]["data"]["request_stats"]["last_15_minutes"] == 1
    await middleware.aclose()


@given(st.lists(st.floats(0, 200), max_size=60))
def test_the_window_holds_a_quarter_of_an_hour(pauses: list[float]) -> None:
    now = 0.0
    counts, answered = Counts(lambda: now), []
    for pause in pauses:
        now += pause
        counts.add(1.0)
        answered.append(now)
        told = counts.told()["request_stats"]["last_15_minutes"]
        # Buckets fall out whole: what is near the window's edge may be gone a little early.
        assert sum(at > now - WINDOW + 15 for at in answered) <= told <= sum(at >= now - WINDOW for at in answered)
    assert len(counts._buckets) <= WINDOW / 15 + 1
