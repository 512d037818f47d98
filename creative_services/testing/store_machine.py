"""Random histories of a store, compared step by step with a dictionary's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from creative_services.core.store import Expires, KeyValueStore, ReadsMany, Swaps

T = TypeVar("T")

# Few enough that histories meet each other's keys; some are prefixes of others.
KEYS = st.sampled_from(["a", "ab", "a/b", "a.b", "../a", "é", "server_1", "server_10", " ", "="]) | st.text(
    min_size=1, max_size=9
)
VALUES = st.sampled_from([b"", b"0", b"1", b"\x00\xff", b"\n\t \t\n" + b" " * 64]) | st.binary(max_size=40)
AN_HOUR = 3600.0


class StoreMachine(RuleBasedStateMachine):
    """One store, one dictionary, the same steps."""

    def __init__(self, make_store: Callable[[], KeyValueStore]) -> None:
        super().__init__()
        self.model: dict[str, bytes] = {}
        self.runner = asyncio.Runner()
        # Two clients, since what one remembers of its own writes must not hide the other's.
        self.clients = (make_store(), make_store())
        self.turn = 0
        self.do(self.forget_everything())

    @property
    def store(self) -> Any:
        """The client whose turn it is."""
        self.turn += 1
        return self.clients[self.turn % 2]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """The answer of ``work``."""
        return self.runner.run(work)

    async def forget_everything(self) -> None:
        """Histories follow each other in one store."""
        for key in await self.clients[0].keys():
            await self.clients[0].delete(key)

    @rule(key=KEYS, value=VALUES)
    def set(self, key: str, value: bytes) -> None:
        assert self.do(self.store.set(key, value)) is True
        self.model[key] = value

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        assert self.do(self.store.get(key)) == self.model.get(key)

    @rule(key=KEYS)
    def exists(self, key: str) -> None:
        assert self.do(self.store.exists(key)) == (key in self.model)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert self.do(self.store.delete(key)) == (self.model.pop(key, None) is not None)

    @rule()
    def keys(self) -> None:
        assert sorted(self.do(self.store.keys())) == sorted(self.model)

    @precondition(lambda self: isinstance(self.clients[0], Expires))
    @rule(key=KEYS, value=VALUES)
    def set_expiring(self, key: str, value: bytes) -> None:
        assert self.do(self.store.set_expiring(key, value, AN_HOUR)) is True
        self.model[key] = value

    @precondition(lambda self: isinstance(self.clients[0], ReadsMany))
    @rule(prefix=KEYS | st.just(""))
    def read_many(self, prefix: str) -> None:
        expected = {key: value for key, value in self.model.items() if key.startswith(prefix)}
        assert self.do(self.store.read_many(prefix)) == expected

    @precondition(lambda self: isinstance(self.clients[0], Swaps))
    @rule(
        key=KEYS,
        value=VALUES | st.none(),
        guess=VALUES | st.none(),
        right=st.booleans(),
        ttl=st.sampled_from([None, AN_HOUR]),
    )
    def swap(self, key: str, value: bytes | None, guess: bytes | None, right: bool, ttl: float | None) -> None:
        expected = self.model.get(key) if right else guess
        done = self.model.get(key) == expected
        assert self.do(self.store.swap(key, expected, value, ttl=ttl)) is done
        if done and value is None:
            self.model.pop(key, None)
        elif done and value is not None:
            self.model[key] = value

    def teardown(self) -> None:
        """Whatever happened, both clients agree with the dictionary in the end."""
        for client in self.clients:
            assert {key: self.do(client.get(key)) for key in self.do(client.keys())} == self.model
            if hasattr(client, "aclose"):
                self.do(client.aclose())
        self.runner.close()
