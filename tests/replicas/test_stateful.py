"""Whatever servers do, in whatever order: who shows life is on the roster, and who is silent or left is not."""

import asyncio
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from creative_services.core.replicas import Replica
from creative_services.core.store import KeyValueStore
from creative_services.replicas import ModelRegistry, ServerRegistry
from creative_services.server.replicas.roll import OwnRoll
from creative_services.server.replicas.table import Table
from creative_services.stores.memory import MemoryKVStore
from creative_services.testing import SteppingClock
from tests.replicas.test_registry import PlainStore

pytestmark = pytest.mark.thorough

LEASE = 30.0


class Servers(RuleBasedStateMachine):
    """Servers register, show life, leave, crash and come back; the model is the time each lease ends."""

    servers = Bundle("servers")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self.clock = SteppingClock()
        self.store = self.make_store()
        self.reader = ServerRegistry(self.store, clock=self.clock)
        self.models = ModelRegistry(self.store, clock=self.clock)
        self.ends: dict[ServerRegistry, float] = {}
        self.drained: set[ServerRegistry] = set()
        self.ports: dict[ServerRegistry, int] = {}

    def make_store(self) -> KeyValueStore:
        return MemoryKVStore(clock=self.clock)

    def teardown(self) -> None:
        self._runner.close()

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    @rule(target=servers)
    def new(self) -> ServerRegistry:
        server = ServerRegistry(self.store, clock=self.clock, lease=LEASE)
        self.ports[server] = len(self.ports) + 1
        return server

    @rule(server=servers)
    def register(self, server: ServerRegistry) -> None:
        self.run(server.register_server("http://h", self.ports[server], {"model_path": "m"}))
        self.ends[server] = self.clock.now() + LEASE
        self.drained.discard(server)

    @rule(server=servers)
    def show_life(self, server: ServerRegistry) -> None:
        told = self.run(server.heartbeat())
        assert told is (server in self.ends)
        if told:
            self.ends[server] = self.clock.now() + LEASE

    @rule(server=servers)
    def leave(self, server: ServerRegistry) -> None:
        self.run(server.deregister())
        self.ends.pop(server, None)

    @rule(server=servers, draining=st.booleans())
    def drain(self, server: ServerRegistry, draining: bool) -> None:
        if self.run(server.drain(draining)):
            self.ends[server] = self.clock.now() + LEASE
            (self.drained.add if draining else self.drained.discard)(server)

    @rule(server=servers)
    def life_and_farewell_at_once(self, server: ServerRegistry) -> None:
        async def both() -> None:
            await asyncio.gather(server.heartbeat(), server.deregister(), server.heartbeat())

        self.run(both())
        self.ends.pop(server, None)

    @rule(seconds=st.sampled_from([0.5, 9.0, 10.0, 29.5, 31.0, 500.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def the_roster_is_who_shows_life(self) -> None:
        living = {server for server, end in self.ends.items() if self.clock.now() < end}
        seen = {server["uri"] for server in self.run(self.reader.roster())["servers"]}
        assert seen == {f"http://h:{self.ports[server]}" for server in living}
        asked = set(self.run(self.models.get_all("m", force=True)))
        assert asked == {f"http://h:{self.ports[server]}" for server in living - self.drained}


class ServersOnAPlainStore(Servers):
    """The same where the store forgets nothing by itself."""

    def make_store(self) -> KeyValueStore:
        return PlainStore()


class Connections(RuleBasedStateMachine):
    """Replicas connect, connect again before the old connection has ended, and leave, in any order."""

    lines = Bundle("lines")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self.table = Table()
        self.roll = OwnRoll(self.table)
        self.newest: dict[str, Replica] = {}

    def teardown(self) -> None:
        self._runner.close()

    @rule(target=lines, name=st.sampled_from("abc"), kind=st.sampled_from(["chat", "embed"]), port=st.integers(1, 99))
    def connect(self, name: str, kind: str, port: int) -> Replica:
        replica = Replica(id=name, endpoint=f"h:{port}", capabilities=({"type": kind},))
        entered = self._runner.run(self.roll.enter(replica))
        newest = self.newest.get(name)
        assert newest is None or newest.precedes(entered)
        self.newest[name] = entered
        return entered

    @rule(line=lines)
    def end(self, line: Replica) -> None:
        self._runner.run(self.roll.strike(line))
        if self.newest.get(line.id) == line:
            del self.newest[line.id]

    @rule(name=st.sampled_from("abc"))
    def evict(self, name: str) -> None:
        assert self._runner.run(self.roll.change(name, lambda _: None)) is (name in self.newest)
        self.newest.pop(name, None)

    @invariant()
    def the_newest_open_connection_is_routed(self) -> None:
        for kind in ("chat", "embed"):
            wanted = {name for name, replica in self.newest.items() if replica.capabilities[0]["type"] == kind}
            found = {chosen.id for _ in range(12) if (chosen := self.table.choose((("type", kind),)))}
            assert found <= wanted
            assert bool(found) is bool(wanted)
        assert {replica.id: replica.endpoint for replica in self.table} == {
            name: replica.endpoint for name, replica in self.newest.items()
        }


TestServers = Servers.TestCase
TestServersOnAPlainStore = ServersOnAPlainStore.TestCase
TestConnections = Connections.TestCase
BRIEF = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestServers.settings = TestServersOnAPlainStore.settings = TestConnections.settings = BRIEF
