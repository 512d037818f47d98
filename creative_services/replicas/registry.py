"""Servers make themselves known, show that they are alive, and say goodbye."""

import asyncio
import socket
import uuid
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from random import random
from types import TracebackType
from typing import Any, Final, Self

from creative_services.core.clock import Clock
from creative_services.core.errors import ConfigurationError, StoreError
from creative_services.core.store import Expires, KeyValueStore, ReadsMany, Swaps
from creative_services.replicas.endings import finished
from creative_services.replicas.presence import Presence
from creative_services.replicas.records import PREFIX, Record, decoded, encoded, key_of, placed, uri_of
from creative_services.system_clock import SystemClock

LEASE: Final = 30.0  # three heartbeats may get lost


class ServerRegistry:
    """One server's entry in the roster, and the roster.

    A registration lasts ``lease`` seconds and each ``heartbeat`` renews it; ``keeping_alive()`` sends them. When a
    server is silent for longer it is gone at once, and its record soon after.
    """

    def __init__(
        self,
        store: KeyValueStore,
        max_history: int = 3600,
        *,
        lease: float = LEASE,
        host: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``host`` is what ``register_server(8000)`` says of where the server is; this computer's name otherwise."""
        if not 0 < lease < float("inf"):
            raise ConfigurationError(f"A lease of {lease!r} s is none: give a number of seconds above 0.")
        self.store = store
        self.lease = lease
        self.host = host or socket.gethostname()
        self.server_id = f"{socket.gethostname()}-{uuid.uuid4().hex}"
        self.request_timestamps: deque[float] = deque(maxlen=max_history)
        self._clock = clock or SystemClock()
        self._presence = Presence(self._clock, store_expires=isinstance(store, Expires))
        self._record: Record | None = None
        self._written: bytes | None = None
        self._busy = asyncio.Lock()

    async def register_server(
        self,
        url: str | int,
        port: int | Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        data: Mapping[str, Any] | None = None,
    ) -> str:
        """Enter the server; its id. Both ``(8000, {...})`` and ``("http://host", 8000, {...})`` do."""
        given, number, about = placed(url, port, metadata)
        record: Record = {
            "server_id": self.server_id,
            "host": socket.gethostname(),
            "port": number,
            "metadata": about,
            "status": "active",
            "uri": uri_of(given or self.host, number),
            "lease": self.lease,
        }
        async with self._busy:
            self._record = record
            await self._write({} if data is None else {"data": dict(data)})
        self._changed()
        return self.server_id

    async def heartbeat(
        self, url: str | None = None, port: int | None = None, data: Mapping[str, Any] | None = None
    ) -> bool:
        """Show that the server is alive. False after ``deregister``, which a late heartbeat does not undo.

        The address is known from the registration; it may be said again, as the original wants it.
        """
        async with self._busy:
            if self._record is None:
                return False
            await self._write({} if data is None else {"data": dict(data)})
            return True

    async def deregister(self) -> bool:
        """Take the server off the roster for good; False when it was not on it."""
        async with self._busy:
            known, self._record, self._written = self._record, None, None
            gone = await self.store.delete(key_of(self.server_id))
        self._changed()
        return gone and known is not None

    async def drain(self, draining: bool = True) -> bool:
        """Stay on the roster, but be asked no more: what is under way may end in peace."""
        async with self._busy:
            if self._record is None:
                return False
            await self._write({"status": "draining" if draining else "active"})
        self._changed()
        return True

    async def roster(self) -> dict[str, list[Record]]:
        """``{"servers": [...]}``: the record of every living server, in one bulk read."""
        return {"servers": [dict(record) for record in await self._living()]}

    @asynccontextmanager
    async def keeping_alive(self) -> AsyncIterator[None]:
        """Send heartbeats while the block runs. What keeps them from arriving is waited out: the lease may."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            await finished(task)

    async def aclose(self) -> None:
        """Let go of the store's connections."""
        close = getattr(self.store, "aclose", None)
        if close:
            await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _changed(self) -> None:
        """What this registry knew of the roster is old now."""

    async def _living(self) -> list[Record]:
        return self._presence.living(await self._read())

    async def _read(self) -> Mapping[str, bytes]:
        if isinstance(self.store, ReadsMany):
            return await self.store.read_many(PREFIX)
        keys = [key for key in await self.store.keys() if key.startswith(PREFIX)]
        values = await asyncio.gather(*(self.store.get(key) for key in keys))
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    async def _beat(self) -> None:
        while True:
            # Many servers started together must not beat together.
            await self._clock.sleep(self.lease / 3 * (0.9 + random() / 5))  # noqa: S311 - spreading, not secrecy
            with suppress(StoreError):
                await self.heartbeat()

    async def _write(self, changes: Mapping[str, Any]) -> None:
        assert self._record is not None
        moment = self._clock.utcnow().timestamp()
        self._record = {**self._record, "last_heartbeat": moment, **changes}
        key, value = key_of(self.server_id), encoded(self._record)
        if isinstance(self.store, Swaps):
            await self._swap(self.store, key, value)
        elif isinstance(self.store, Expires):
            await self.store.set_expiring(key, value, self.lease)
        elif not await self.store.set(key, value):
            raise StoreError(f"The store did not take the record {key}. Look at its own log.")

    async def _swap(self, store: Swaps, key: str, value: bytes) -> None:
        """Write in place of what we wrote last, so that a write that was delayed somewhere comes to nothing."""
        while not await store.swap(key, self._written, value, ttl=self.lease):
            # Expired meanwhile, or written by a try of ours whose answer never came: nobody else has our id.
            assert isinstance(store, KeyValueStore)
            present = await store.get(key)
            if present == self._written:
                continue
            record = None if present is None else decoded(present)
            if record is not None and record["server_id"] != self.server_id:
                raise StoreError(f"The key {key} holds the record of {record['server_id']!r}. Delete it.")
            self._written = present
        self._written = value
