"""A store in one SQLite file: no server, many processes on one computer."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from creative_services.core.clock import Clock
from creative_services.core.errors import ConfigurationError, StoreError, StoreUnreachableError
from creative_services.core.store import Changes, as_bytes, checked_ttl, key_bytes
from creative_services.stores._base import Base
from creative_services.stores._edge import TIMEOUT, Edge
from creative_services.stores._steady import SteadyTime
from creative_services.stores._threads import R, Threads
from creative_services.stores._watching import Readings, Whole, watching
from creative_services.stores.sqlite_table import Table
from creative_services.system_clock import SystemClock

_RESYNC: Final = 5.0


class SQLiteKVStore(Base):
    """Keeps everything in the SQLite file at ``path``. Readers and one writer at a time, in any number of processes.

    ``durable=False`` may lose the last moments in a power failure, never the file.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        durable: bool = True,
        timeout: float = TIMEOUT,
        poll: float = 0.2,
        clock: Clock | None = None,
        boot: str | None = None,
    ) -> None:
        file = _database(str(path))
        self.name = f"sqlite://{file.absolute()}"
        self._edge = Edge(self.name, {sqlite3.Error: StoreError}, timeout)
        # One thread and connection each, so that a read never waits behind a write that waits for another process.
        self._reading, self._writing = Threads(1), Threads(1)
        self._read_side, self._write_side = Table(file, timeout, durable), Table(file, timeout, durable)
        self._time = SteadyTime(clock or SystemClock(), Table(file, timeout, durable).agree, boot)
        self._poll = poll

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``sqlite:///absolute/file.db``, or ``sqlite:file.db`` in the current folder."""
        return cls(url, **options)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        key_bytes(key)
        return await self._read(f"get {key!r}", lambda: self._read_side.get(key, self._time.now()))

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        return await self._put(key, as_bytes(value), None)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds."""
        return await self._put(key, as_bytes(value), checked_ttl(ttl))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        key_bytes(key)
        return await self._write(f"delete {key!r}", lambda: self._write_side.delete(key, self._time.now()))

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list(await self.read_many(prefix or ""))

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value."""
        return (await self._scan(prefix))[0]

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        key_bytes(key)
        was = None if expected is None else as_bytes(expected)
        new = None if value is None else as_bytes(value)
        lasts = None if ttl is None else checked_ttl(ttl)

        def swap() -> bool:
            now = self._time.now()
            return self._write_side.swap(key, was, new, None if lasts is None else now + lasts, now)

        return await self._write(f"swap {key!r}", swap)

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes, a fifth of a second later."""
        return watching(lambda: self._readings(prefix))

    async def aclose(self) -> None:
        """Close the file."""
        for threads, side in ((self._reading, self._read_side), (self._writing, self._write_side)):
            with suppress(sqlite3.Error):  # a file that is damaged cannot be closed in style
                await threads.run(side.close)
            threads.close()

    async def _readings(self, prefix: str) -> Readings:
        loop = asyncio.get_running_loop()
        version, since, ends_at = None, 0.0, 0.0
        while True:
            present = await self._version()
            if present != version or loop.time() - since > _RESYNC or self._time.now() >= ends_at:
                version, since = present, loop.time()
                values, ends_at = await self._scan(prefix)
                yield Whole(values)
            await asyncio.sleep(self._poll)

    async def _version(self) -> int:
        return await self._read("look for changes", self._read_side.version)

    async def _scan(self, prefix: str) -> tuple[dict[str, bytes], float]:
        return await self._read(f"read {prefix!r}", lambda: self._read_side.find(prefix, self._time.now()))

    async def _put(self, key: str, value: bytes, ttl: float | None) -> bool:
        key_bytes(key)

        def put() -> bool:
            now = self._time.now()
            return self._write_side.put(key, value, None if ttl is None else now + ttl, now)

        return await self._write(f"set {key!r}", put)

    async def _read(self, what: str, work: Callable[[], R]) -> R:
        async with self._edge.asking(what):
            return await self._reading.run(_said_plainly, work)

    async def _write(self, what: str, work: Callable[[], R]) -> R:
        async with self._edge.asking(what, writes=True):
            return await self._writing.run(_said_plainly, work)


def _said_plainly(work: Callable[[], R]) -> R:
    try:
        return work()
    except sqlite3.OperationalError as error:
        name = error.sqlite_errorname
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise TimeoutError("another process is writing") from error
        if name.startswith("SQLITE_CANTOPEN"):
            raise StoreUnreachableError(
                f"The SQLite file does not open: {error}. Check its folder and rights."
            ) from error
        raise


def _database(address: str) -> Path:
    parts = urlsplit(address)
    path = unquote(parts.path) if parts.scheme == "sqlite" else address
    if parts.scheme == "sqlite" and (parts.netloc not in ("", "localhost") or parts.query or parts.fragment):
        raise ConfigurationError(
            f"{address!r} names no file here. Write sqlite:///absolute/file.db, or sqlite:file.db."
        )
    if path.strip("/") in ("", ":memory:"):
        raise ConfigurationError(f"{address!r} names no file. For a store in memory open memory://.")
    return Path(path).expanduser()
