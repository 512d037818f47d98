"""The routing service, spoken to as ASGI: its answers to the letter, its doors closed, its roster right."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import pytest

from creative_services.core.errors import ConfigurationError, StoreUnreachableError
from creative_services.server.replicas import RoutingService, routing_service
from creative_services.stores import open_store
from creative_services.stores.memory import MemoryKVStore
from tests.replicas.test_registry import PlainStore

JSON = (b"content-type", b"application/json")


class Visit:
    """One request; for a registration, the connection."""

    def __init__(self, app: RoutingService, method: str, path: str, body: bytes = b"", headers: Any = (JSON,)) -> None:
        self._sent = asyncio.Event()
        self._left = asyncio.Event()
        self._body: bytes | None = body
        self.status = 0
        self.body = b""
        self.done = False
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": list(headers),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message["body"]
            if not message.get("more_body"):
                self.done = True
                self._left.set()
        self._sent.set()

    async def begun(self) -> "Visit":
        """Once there is something to read."""
        while not self.body:
            self._sent.clear()
            await asyncio.wait_for(self._sent.wait(), 5)
        return self

    async def leave(self) -> None:
        """Close the connection."""
        self._left.set()
        await self.task

    @property
    def events(self) -> list[Any]:
        """What an event stream told so far."""
        blocks = self.body.decode().split("\n\n")
        return [json.loads(block.removeprefix("data: ")) for block in blocks if block.startswith("data: ")]


async def ask(app: RoutingService, path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
    visit = Visit(app, method, path, **more)
    await visit.task
    return visit.status, json.loads(visit.body)


async def register(app: RoutingService, replica_id: str = "r1", *capabilities: Any, **more: Any) -> Visit:
    body = {
        "replica_id": replica_id,
        "endpoint": f"{replica_id}:50051",
        "capabilities": list(capabilities) or [{"model": "qwen2"}],
        **more,
    }
    return await Visit(app, "POST", "/register", json.dumps(body).encode()).begun()


async def routed(app: RoutingService, **wanted: Any) -> str | None:
    status, answer = await ask(app, f"/route?{urlencode(wanted)}")
    return answer["replica_id"] if status == 200 else None


@pytest.fixture
def app() -> RoutingService:
    return routing_service()


async def test_the_documented_answers_to_the_letter(app: RoutingService) -> None:
    held = await register(app, "r1", {"model": "qwen2"}, {"model": "llama", "type": "chat"})
    assert held.body == (b'data: {"status": "registered", "replica_id": "r1"}\n\ndata: {"status": "alive"}\n\n')
    assert held.headers[b"content-type"].startswith(b"text/event-stream")
    found = await Visit(app, "GET", "/route?model=llama&type=chat").begun()
    assert (found.status, found.body) == (200, b'{"endpoint":"r1:50051","replica_id":"r1"}')
    everyone = await Visit(app, "GET", "/registry").begun()
    assert everyone.body == (
        b'{"replicas":[{"replica_id":"r1","endpoint":"r1:50051",'
        b'"capabilities":[{"model":"qwen2"},{"model":"llama","type":"chat"}]}]}'
    )
    health = await Visit(app, "GET", "/health").begun()
    assert (health.status, health.body) == (200, b'{"status":"healthy"}')
    await held.leave()
    nobody = await Visit(app, "GET", "/route?model=qwen2").begun()
    assert (nobody.status, nobody.body) == (404, b'{"detail":"no matching replica"}')


async def test_it_shows_life_at_once_and_then_again_and_again() -> None:
    from creative_services.server.replicas.roll import OwnRoll
    from creative_services.server.replicas.table import Table

    table = Table()
    app = RoutingService(table, OwnRoll(table), alive_seconds=0.2)
    held = [await register(app, f"r{number}") for number in range(30)]
    assert all(visit.events[-1] == {"status": "alive"} for visit in held)
    await asyncio.sleep(0.9)
    counts = [len(visit.events) for visit in held]
    assert min(counts) >= 5
    assert max(counts) <= 8
    for visit in held:
        await visit.leave()
    assert len(table) == 0


async def test_a_replica_that_comes_back_is_not_removed_by_its_old_connection(app: RoutingService) -> None:
    first = await register(app)
    second = await register(app, endpoint="elsewhere:1")
    assert (await ask(app, "/route?model=qwen2"))[1]["endpoint"] == "elsewhere:1"
    await first.leave()
    assert first.events[-1] == {"status": "replaced", "replica_id": "r1"}
    assert await routed(app, model="qwen2") == "r1"
    await second.leave()
    assert await routed(app, model="qwen2") is None


async def test_values_compare_by_meaning(app: RoutingService) -> None:
    held = await register(app, "r1", {"gpus": 2, "stream": True})
    assert await routed(app, gpus="2", stream="true") == "r1"
    assert await routed(app, gpus="3") is None
    assert await routed(app) == "r1"
    await held.leave()


async def test_some_are_excluded_and_some_weigh_more(app: RoutingService) -> None:
    held = [await register(app, name, weight=weight) for name, weight in (("a", 1), ("b", 3), ("c", 1))]
    drawn = Counter([await routed(app, model="qwen2") for _ in range(1000)])
    assert drawn["b"] == pytest.approx(600, abs=80)
    assert {await routed(app, model="qwen2", exclude="b") for _ in range(50)} == {"a", "c"}
    assert {await routed(app, model="qwen2", exclude="b,c") for _ in range(20)} == {"a"}
    assert await routed(app, model="qwen2", exclude="a,b,c") is None
    for visit in held:
        await visit.leave()


async def test_among_equals_chance_decides(app: RoutingService) -> None:
    held = [await register(app, name) for name in "abcd"]
    drawn = Counter([await routed(app, model="qwen2") for _ in range(800)])
    assert min(drawn.values()) > 140
    for visit in held:
        await visit.leave()


async def test_a_drained_replica_is_known_and_not_asked(app: RoutingService) -> None:
    held = await register(app)
    assert await ask(app, "/drain/r1", "POST") == (200, {"status": "draining", "replica_id": "r1"})
    assert await routed(app, model="qwen2") is None
    assert (await ask(app, "/registry"))[1]["replicas"][0]["draining"] is True
    assert await ask(app, "/drain/r1", "DELETE") == (200, {"status": "active", "replica_id": "r1"})
    assert await routed(app, model="qwen2") == "r1"
    await held.leave()
    assert await ask(app, "/drain/r1", "POST") == (404, {"detail": "no such replica"})


async def test_an_evicted_replica_is_told_so(app: RoutingService) -> None:
    held = await register(app, "a/b c", endpoint="h:1")
    assert (await ask(app, "/register/a%2Fb%20c", "DELETE"))[0] == 200
    await asyncio.wait_for(held.task, 5)
    assert held.events[-1]["status"] == "evicted"
    assert await routed(app, model="qwen2") is None
    assert (await ask(app, "/register/a%2Fb%20c", "DELETE"))[0] == 404


async def test_changes_are_told_after_the_roster(app: RoutingService) -> None:
    held = await register(app, "a")
    feed = await Visit(app, "GET", "/changes").begun()
    assert feed.events[0]["event"] == "roster"
    assert [one["replica_id"] for one in feed.events[0]["replicas"]] == ["a"]
    other = await register(app, "b")
    await ask(app, "/drain/b", "POST")
    await other.leave()
    await held.leave()
    await asyncio.sleep(0.05)
    assert [(each["event"], each["replica"]["replica_id"]) for each in feed.events[1:]] == [
        ("registered", "b"),
        ("draining", "b"),
        ("gone", "b"),
        ("gone", "a"),
    ]
    await feed.leave()


async def test_figures_are_no_news_to_those_who_route(app: RoutingService) -> None:
    held = await register(app, "a")
    feed = await Visit(app, "GET", "/changes").begun()
    counted = json.dumps({"request_stats": {"in_flight": 3, "of no interest": 1}}).encode()
    assert (await ask(app, "/register/a", "PUT", body=counted))[0] == 200
    told = (await ask(app, "/registry?details=1"))[1]["replicas"][0]
    assert told["data"] == {"request_stats": {"in_flight": 3}}
    assert await routed(app, model="qwen2") == "a"
    await ask(app, "/drain/a", "POST")
    await asyncio.sleep(0.05)
    assert [each["event"] for each in feed.events] == ["roster", "draining"]
    assert (await ask(app, "/registry?details=1"))[1]["replicas"][0]["data"] == told["data"]
    await feed.leave()
    await held.leave()


GOOD = {"replica_id": "r", "endpoint": "h:1", "capabilities": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"[" * 100_000, 422),
        *((json.dumps({**GOOD, name: value}).encode(), 422) for name, value in [
            ("replica_id", None), ("replica_id", ""), ("replica_id", "x" * 201), ("replica_id", "a\nb"),
            ("endpoint", None), ("endpoint", ""), ("endpoint", "http://user@h:1"), ("endpoint", "h:0"),
            ("endpoint", "h:99999"), ("endpoint", "h:1\r\nx: y"), ("endpoint", "file:///etc"), ("endpoint", "h?x=1"),
            ("capabilities", None), ("capabilities", {}), ("capabilities", ["x"]), ("capabilities", [{}] * 65),
            ("capabilities", [{str(n): n for n in range(101)}]), ("capabilities", [{"a": "x" * 1025}]),
            ("weight", 0), ("weight", -1), ("weight", "1"), ("weight", True), ("weight", 1e9), ("draining", "no"),
        ]),
        (b"x" * (1024 * 1024 + 1), 413),
    ],
)  # fmt: skip
async def test_a_registration_that_is_none_is_refused(app: RoutingService, body: bytes, status: int) -> None:
    refused, answer = await ask(app, "/register", "POST", body=body)
    assert refused == status, answer
    assert answer["detail"]
    assert (await ask(app, "/registry"))[1] == {"replicas": []}


async def test_other_doors_are_closed(app: RoutingService) -> None:
    assert (await ask(app, "/nowhere"))[0] == 404
    assert (await ask(app, "/route/deeper"))[0] == 404
    assert (await ask(app, "/register"))[0] == 405
    assert (await ask(app, "/route", "POST"))[0] == 405
    assert (await ask(app, "/registry", "DELETE"))[0] == 405
    form = ((b"content-type", b"text/plain"),)
    assert (await ask(app, "/register", "POST", body=json.dumps(GOOD).encode(), headers=form))[0] == 415


async def test_a_shared_token_is_asked_for_everywhere_but_at_the_health_check() -> None:
    app = routing_service(token="s3cret-of-the-cluster")
    shown = ((b"authorization", b"Bearer s3cret-of-the-cluster"), JSON)
    for path in ("/route?model=m", "/registry", "/changes"):
        assert (await ask(app, path))[0] == 401
        assert (await ask(app, path, headers=((b"authorization", b"Bearer wrong"),)))[0] == 401
    assert (await ask(app, "/register", "POST", body=json.dumps(GOOD).encode()))[0] == 401
    assert (await ask(app, "/health"))[0] == 200
    assert (await ask(app, "/registry", headers=shown)) == (200, {"replicas": []})


async def test_registrations_are_bounded() -> None:
    app = routing_service(most=2)
    held = [await register(app, name) for name in "ab"]
    status, answer = await ask(app, "/register", "POST", body=json.dumps({**GOOD, "replica_id": "c"}).encode())
    assert (status, answer["detail"][:2]) == (503, "2 ")
    held.append(await register(app, "a"))
    for visit in held:
        await visit.leave()


async def until(condition: Any, seconds: float = 5.0) -> None:
    """Wait for what other tasks bring about."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def shared(store: MemoryKVStore, lease: float = 0.6) -> RoutingService:
    app = routing_service(store, lease=lease)
    await app.start()
    return app


async def test_processes_over_one_store_share_the_roster() -> None:
    store = MemoryKVStore()
    one, two = await shared(store), await shared(store)
    held = await register(one, "a")

    async def both() -> bool:
        return [await routed(app, model="qwen2") for app in (one, two)] == ["a", "a"]

    await until(both)
    moved = await register(two, "a", endpoint="elsewhere:1")
    await asyncio.wait_for(held.task, 5)
    assert held.events[-1]["status"] == "replaced"
    await until(both)
    assert (await ask(one, "/route?model=qwen2"))[1]["endpoint"] == "elsewhere:1"
    assert (await ask(one, "/drain/a", "POST"))[0] == 200

    async def nobody() -> bool:
        return [await routed(app, model="qwen2") for app in (one, two)] == [None, None]

    await until(nobody)
    assert (await ask(one, "/register/a", "DELETE"))[0] == 200
    await asyncio.wait_for(moved.task, 5)
    assert moved.events[-1]["status"] == "evicted"
    third = await shared(store)
    assert await ask(third, "/registry") == (200, {"replicas": []})
    for app in (one, two, third):
        await app.aclose()


async def test_what_was_changed_and_changed_back_between_two_looks_is_noticed(tmp_path: Path) -> None:
    """A store that is polled shows the same as before; only what is written tells that it is another state."""
    url = f"sqlite:///{tmp_path}/roster.db"
    one, two = [await shared(open_store(url, poll=0.3)) for _ in range(2)]  # type: ignore[arg-type]  # any store will do
    held = await register(one, "a")

    def known_as(draining: bool) -> Any:
        async def known() -> bool:
            return [getattr(app.table.get("a"), "draining", None) for app in (one, two)] == [draining] * 2

        return known

    await until(known_as(False))
    for _ in range(3):
        assert (await ask(one, "/drain/a", "POST"))[0] == 200
        assert (await ask(two, "/drain/a", "DELETE"))[0] == 200
    await until(known_as(False))
    assert (await ask(two, "/drain/a", "POST"))[0] == 200
    await until(known_as(True))
    await held.leave()
    for app in (one, two):
        await app.aclose()


async def test_a_process_that_dies_takes_its_replicas_with_it_after_its_lease() -> None:
    store = MemoryKVStore()
    dead, alive = await shared(store), await shared(store)
    held = await register(dead, "a")
    stays = await register(alive, "b")
    for task in dead._roll._tasks:  # type: ignore[attr-defined]  # as kill -9 would
        task.cancel()

    async def gone() -> bool:
        return [one["replica_id"] for one in (await ask(alive, "/registry"))[1]["replicas"]] == ["b"]

    await until(gone)

    async def swept() -> bool:
        return not await store.exists("replica_a")

    await until(swept)
    held.task.cancel()
    await stays.leave()
    await alive.aclose()


class Fragile(MemoryKVStore):
    """A store that can be out, and come back empty."""

    out = False

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        self._fail()
        return await super().read_many(prefix)

    async def get(self, key: str) -> bytes | None:
        self._fail()
        return await super().get(key)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        self._fail()
        return await super().set_expiring(key, value, ttl)

    async def swap(self, *arguments: Any, **options: Any) -> bool:
        self._fail()
        return await super().swap(*arguments, **options)

    def _fail(self) -> None:
        if self.out:
            raise StoreUnreachableError("the store is out")


async def test_an_outage_that_empties_the_store_loses_nobody() -> None:
    store = Fragile()
    one, two = await shared(store), await shared(store)
    held = await register(one, "a")

    async def known() -> bool:
        return await routed(two, model="qwen2") == "a"

    await until(known)
    store.out = True
    store._ring()
    for _ in range(60):
        await asyncio.sleep(0.02)
        assert await known()
    status, answer = await ask(two, "/register", "POST", body=json.dumps(GOOD).encode())
    assert (status, answer["detail"]) == (503, "the store is out")
    store._values.clear()
    store.out = False
    for _ in range(100):
        await asyncio.sleep(0.02)
        assert await known()
        assert await routed(one, model="qwen2") == "a"
    assert await store.exists("replica_a")
    await held.leave()
    await until(lambda: _nobody(two))
    for app in (one, two):
        await app.aclose()


async def _nobody(app: RoutingService) -> bool:
    return await routed(app, model="qwen2") is None


async def test_a_store_without_the_powers_is_refused_with_advice() -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///"):
        routing_service(PlainStore())


async def test_two_thousand_that_leave_at_once_are_gone_at_once(app: RoutingService) -> None:
    held = [await register(app, f"r{number}") for number in range(2000)]
    for visit in held:
        visit._left.set()
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(visit.task for visit in held))
    assert await routed(app, model="qwen2") is None
    print(f"2,000 gone after {loop.time() - started:.3f} s")
