"""Who keeps the roll of registrations: this process alone, or several together through a store."""

import os
import platform
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from creative_services.core.clock import Clock
from creative_services.core.replicas import Replica
from creative_services.server.replicas.table import Table
from creative_services.system_clock import SystemClock

LEASE: Final = 15.0  # a process that is silent for this long has lost its registrations


class Roll(Protocol):
    """Enters and strikes off registrations; the table shows what is on the roll."""

    async def enter(self, replica: Replica) -> Replica:
        """Put ``replica`` on the roll, in the place of any other of its id; as it stands there."""
        ...

    async def strike(self, replica: Replica) -> None:
        """Take this registration off, unless its replica has come back under a newer one."""
        ...

    async def change(self, replica_id: str, change: Callable[[Replica], Replica | None]) -> bool:
        """Replace whoever is there under this id, or remove it with None; False when nobody is."""
        ...

    async def start(self) -> None:
        """Begin."""
        ...

    async def aclose(self) -> None:
        """End."""
        ...


class OwnRoll:
    """One process keeps the roll in its memory."""

    def __init__(self, table: Table, *, clock: Clock | None = None) -> None:
        self._table = table
        self._clock = clock or SystemClock()
        self.holder = holder_name()

    async def enter(self, replica: Replica) -> Replica:
        """Put ``replica`` on the roll."""
        held = replace(replica, holder=self.holder, since=self._clock.utcnow().timestamp())
        entered = held.succeeding(self._table.get(replica.id), 0.0, LEASE, above=self._table.highest)
        self._table.put(entered)
        return entered

    async def strike(self, replica: Replica) -> None:
        """Take this registration off."""
        self._table.drop(replica.id, replica.token)

    async def change(self, replica_id: str, change: Callable[[Replica], Replica | None]) -> bool:
        """Replace or remove who is there."""
        before = self._table.get(replica_id)
        if before is None:
            return False
        after = change(before)
        return self._table.drop(replica_id) if after is None else bool(self._table.put(after) or True)

    async def start(self) -> None:
        """Nothing to begin."""

    async def aclose(self) -> None:
        """Nothing to end."""


def holder_name() -> str:
    """A name that no other process has, and that says which one has it."""
    return f"{platform.node()[:64]}:{os.getpid()}:{uuid.uuid4().hex}"
