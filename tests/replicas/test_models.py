"""Servers by model: the cache, outages, the choice and what was learned."""

import asyncio
from collections import Counter
from time import perf_counter

import pytest

from creative_services.core.errors import NoReplicaError, StoreUnreachableError
from creative_services.replicas import ModelRegistry
from creative_services.stores.memory import MemoryKVStore
from creative_services.testing import SteppingClock


class Fragile(MemoryKVStore):
    """A store that can be out."""

    out = False
    reads = 0

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        if self.out:
            raise StoreUnreachableError("the store is out")
        self.reads += 1
        return await super().read_many(prefix)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def store(clock: SteppingClock) -> Fragile:
    return Fragile(clock=clock)


async def serving(
    store: MemoryKVStore, clock: SteppingClock, *ports: int, model: str = "m", **metadata: object
) -> None:
    for port in ports:
        # Leases of an hour, so that only the registry's own times matter.
        server = ModelRegistry(store, clock=clock, lease=3600)
        await server.register_server("http://a", port, {"model_path": model, **metadata})


def registry_on(store: MemoryKVStore, clock: SteppingClock) -> ModelRegistry:
    return ModelRegistry(store, clock=clock, max_history=3600, cache_ttl=300)


async def test_models_and_their_servers(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    await serving(store, clock, 3, model="n")
    registry = registry_on(store, clock)
    models = await registry.models()
    assert {model: {server["uri"] for server in servers} for model, servers in models.items()} == {
        "m": {"http://a:1", "http://a:2"},
        "n": {"http://a:3"},
    }
    assert await registry.get("n") == "http://a:3"
    assert sorted(await registry.get_all("m")) == ["http://a:1", "http://a:2"]
    assert len(await registry.get_all("m", n=1)) == 1
    assert len(await registry.get_all("m", n=3)) == 2


async def test_a_model_nobody_serves(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1)
    registry = registry_on(store, clock)
    assert await registry.get_all("none") == []
    with pytest.raises(ValueError, match=r"'none'.*Models there: m") as caught:
        await registry.get("none")
    assert isinstance(caught.value, NoReplicaError)


async def test_names_of_callers_do_not_fill_the_memory(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1)
    registry = registry_on(store, clock)
    for number in range(100):
        await registry.get_all(f"invented-{number}")
    assert list(registry._balancers) == ["m"]


async def test_a_roster_is_read_once_for_many_callers(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    registry = registry_on(store, clock)
    await asyncio.gather(*(registry.get("m") for _ in range(100)))
    assert store.reads == 1
    clock.advance(11)
    await asyncio.gather(*(registry.get("m") for _ in range(100)))
    await asyncio.sleep(0)
    assert store.reads == 2


async def test_a_newcomer_is_found_by_who_looks_for_nobody_yet(store: Fragile, clock: SteppingClock) -> None:
    registry = registry_on(store, clock)
    assert await registry.get_all("m") == []
    await serving(store, clock, 1)
    clock.advance(1.1)
    assert await registry.get_all("m") == ["http://a:1"]


async def test_invalidating_reads_anew_and_forgets_nothing_learned(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    registry = registry_on(store, clock)
    await registry.get("m")
    registry.report_latency("http://a:1", 5.0, model="m")
    registry.report_latency("http://a:2", 0.1, model="m")
    await serving(store, clock, 3)
    registry.invalidate_cache()
    assert len(await registry.get_all("m")) == 3
    assert (await registry.balancer("m")).standing("http://a:1").latency == 5.0


async def test_an_outage_serves_the_last_good_roster_and_says_so(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1)
    registry = registry_on(store, clock)
    await registry.get("m")
    store.out = True
    clock.advance(290)
    assert await registry.get("m") == "http://a:1"
    assert registry.view.stale
    assert registry.view.age == 290
    clock.advance(20)
    with pytest.raises(StoreUnreachableError):
        await registry.get("m")
    store.out = False
    clock.advance(10)
    assert await registry.get("m") == "http://a:1"
    assert not registry.view.stale


async def test_a_store_that_comes_back_empty_empties_no_roster(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    registry = registry_on(store, clock)
    assert len(await registry.get_all("m")) == 2
    store.out = True
    clock.advance(11)
    await registry.get("m")
    await registry.view.settle()
    await asyncio.sleep(0)
    store._values.clear()
    store.out = False
    await serving(store, clock, 2)  # the first to show life again
    for _ in range(2):
        clock.advance(11)
        assert len(await registry.get_all("m", force=True)) == 2
        assert not registry.view.stale
    # Who has not shown life for a whole lease is gone.
    clock.advance(20)
    assert await registry.get_all("m", force=True) == ["http://a:2"]


async def test_who_leaves_while_the_store_answers_is_gone_at_once(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    registry = registry_on(store, clock)
    assert len(await registry.get_all("m")) == 2
    store._values.clear()
    assert await registry.get_all("m", force=True) == []


async def test_a_store_that_was_never_there_is_an_error_and_not_an_empty_roster(
    store: Fragile, clock: SteppingClock
) -> None:
    store.out = True
    with pytest.raises(StoreUnreachableError):
        await registry_on(store, clock).get("m")


async def test_a_report_changes_the_very_next_choice(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    registry = registry_on(store, clock)
    await registry.get_all("m")
    registry.report_latency("http://a:1", 1.0)
    registry.report_latency("http://a:2", 0.9)
    assert {await registry.get("m") for _ in range(50)} == {"http://a:2"}
    for _ in range(3):
        registry.report_latency("http://a:2", 30.0)
    assert {await registry.get("m") for _ in range(50)} == {"http://a:1"}


async def test_learning_for_one_model_never_touches_another(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2)
    await serving(store, clock, 1, 2, model="n")
    registry = registry_on(store, clock)
    assert await registry.get_all("m")
    registry.report_latency("http://a:1", 9.0)
    assert (await registry.balancer("m")).standing("http://a:1").latency == 9.0
    assert (await registry.balancer("n")).standing("http://a:1").latency is None
    assert len(await registry.get_all("n")) == 2
    assert (await registry.balancer("m")).standing("http://a:1").latency == 9.0


async def test_a_slash_at_the_end_is_the_same_server(store: Fragile, clock: SteppingClock) -> None:
    registry = registry_on(store, clock)
    await registry.register_server("http://a/v1/", None, {"model_path": "m"})
    uri = await registry.get("m")
    registry.report_latency(f"{uri}/", 3.0)
    assert (await registry.balancer("m")).standing(uri).latency == 3.0


async def test_failures_eject_and_the_last_half_never_rests(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1, 2, 3, 4)
    registry = registry_on(store, clock)
    await registry.get("m")
    for port in (1, 2, 3, 4):
        for _ in range(9):
            registry.report_latency(f"http://a:{port}", 0.1, success=False)
    balancer = await registry.balancer("m")
    resting = [uri for uri in balancer.pool if balancer.standing(uri).resting(clock.now())]
    assert len(resting) == 2
    assert not {await registry.get("m") for _ in range(100)} & set(resting)


async def test_twice_the_weight_is_chosen_more_often(store: Fragile, clock: SteppingClock) -> None:
    await serving(store, clock, 1)
    await serving(store, clock, 2, weight=2)
    registry = registry_on(store, clock)
    balancer = await registry.balancer("m")
    for _ in range(300):
        balancer.departs(await registry.get("m"))
    busy = Counter({uri: balancer.in_flight(uri) for uri in balancer.pool})
    assert busy["http://a:2"] == pytest.approx(2 * busy["http://a:1"], rel=0.1)


async def test_a_choice_among_a_thousand_does_not_look_at_a_thousand(clock: SteppingClock) -> None:
    store = MemoryKVStore(clock=clock)
    await serving(store, clock, *range(1, 1001))
    registry = registry_on(store, clock)
    balancer = await registry.balancer("m")
    best = min(_per_choice(balancer.choose) for _ in range(5))
    print(f"a choice among 1,000: {best * 1e6:.2f} us")
    assert best < 50e-6  # ten times the figure of benchmarks/replicas: other programs run here too


def _per_choice(choose: object) -> float:
    started = perf_counter()
    for _ in range(1000):
        choose()  # type: ignore[operator]  # a bound method
    return (perf_counter() - started) / 1000
