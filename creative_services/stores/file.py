"""A store in a folder: no server, many processes, and readable by the original registry."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
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
from creative_services.stores.file_layout import Found, Layout
from creative_services.system_clock import SystemClock

_FAULTS: Final[Mapping[type[BaseException], type[StoreError]]] = {
    FileNotFoundError: StoreUnreachableError,  # the folder itself: somebody moved it, or its disk is not mounted
    OSError: StoreError,
}
# A folder's time of change may be coarse: for this long after a change another one can leave it as it is.
_COARSE: Final = 2.5
_RESYNC: Final = 5.0


class FileSystemKVStore(Base):
    """Keeps each value in a file of ``root``; what was answered is on the disk.

    ``durable=False`` leaves the writing to the operating system: much faster on disks, and safe against everything but
    a power failure.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        durable: bool = True,
        timeout: float = TIMEOUT,
        poll: float = 0.2,
        clock: Clock | None = None,
        boot: str | None = None,
    ) -> None:
        path = _folder(str(root))
        self.name = path.absolute().as_uri()
        self._edge = Edge(self.name, _FAULTS, timeout)
        self._layout = Layout(path, durable=durable, patience=timeout)
        self._time = SteadyTime(clock or SystemClock(), self._agree, boot)
        # Threads of their own for each, so that a read never waits behind a write that waits for another process.
        self._reading, self._writing = Threads(2), Threads(2)
        self._poll = poll
        try:
            self._layout.prepare()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot hold a store: {error}. Name a folder you may write to.") from error

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``file:///absolute/folder``, or a plain path."""
        return cls(url, **options)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        key_bytes(key)
        return await self._do(f"get {key!r}", self._get, key)

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        return await self._write(key, as_bytes(value), None)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds."""
        return await self._write(key, as_bytes(value), checked_ttl(ttl))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        key_bytes(key)
        return await self._do(f"delete {key!r}", self._delete, key, writes=True)

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list(await self.read_many(prefix or ""))

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value."""
        return (await self._do(f"read {prefix!r}", self._scan, prefix))[0]

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        key_bytes(key)
        was = None if expected is None else as_bytes(expected)
        new = None if value is None else as_bytes(value)
        until = None if ttl is None else checked_ttl(ttl)
        return await self._do(f"swap {key!r}", self._swap, key, was, new, until, writes=True)

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes, a fifth of a second later."""
        return watching(lambda: self._readings(prefix))

    async def aclose(self) -> None:
        """End the threads."""
        self._reading.close()
        self._writing.close()

    async def _readings(self, prefix: str) -> Readings:
        loop = asyncio.get_running_loop()
        stamp, since, ends_at = None, 0.0, 0.0
        while True:
            quiet = loop.time() - since
            # A folder that has been quiet for a while needs no look at each of its files.
            if self._stamp() != stamp or not _COARSE < quiet < _RESYNC or self._time.now() >= ends_at:
                if self._stamp() != stamp or quiet >= _RESYNC:
                    stamp, since = self._stamp(), loop.time()
                values, ends_at = await self._do(f"read {prefix!r}", self._scan, prefix)
                yield Whole(values)
            await asyncio.sleep(self._poll)

    async def _do(self, what: str, work: Callable[..., R], *args: Any, writes: bool = False) -> R:
        async with self._edge.asking(what, writes=writes):
            return await (self._writing if writes else self._reading).run(work, *args)

    async def _write(self, key: str, value: bytes, ttl: float | None) -> bool:
        key_bytes(key)
        return await self._do(f"set {key!r}", self._set, key, value, ttl, writes=True)

    # What follows blocks and runs on the store's threads.

    def _get(self, key: str) -> bytes | None:
        found = self._layout.read(key)
        return found.value if found and found.live(self._time.now()) else None

    def _set(self, key: str, value: bytes, ttl: float | None) -> bool:
        draft = self._layout.draft(key, self._found(value, ttl))
        try:
            with self._layout.locked():
                self._layout.place(key, draft)
        finally:
            draft.unlink(missing_ok=True)
        self._layout.settle(key)
        return True

    def _swap(self, key: str, expected: bytes | None, value: bytes | None, ttl: float | None) -> bool:
        draft = None if value is None else self._layout.draft(key, self._found(value, ttl))
        try:
            with self._layout.locked():
                if self._get(key) != expected:
                    return False
                if draft:
                    self._layout.place(key, draft)
                else:
                    self._layout.remove(key)
        finally:
            if draft:
                draft.unlink(missing_ok=True)
        self._layout.settle(key)
        return True

    def _delete(self, key: str) -> bool:
        with self._layout.locked():
            there = self._get(key) is not None
            self._layout.remove(key)
        self._layout.settle(key)
        return there

    def _scan(self, prefix: str) -> tuple[dict[str, bytes], float]:
        """What is live, and when the first of it ends."""
        now, live, ends = self._time.now(), {}, float("inf")
        for key, found in list(self._layout.find(prefix)):
            if found.live(now):
                live[key] = found.value
                ends = min(ends, ends if found.ends_at is None else found.ends_at)
            else:
                self._clear_away(key)
        return live, ends

    def _clear_away(self, key: str) -> None:
        """Remove an expired value, unless it was renewed since we looked."""
        try:
            with self._layout.locked():
                found = self._layout.read(key)
                if found and not found.live(self._time.now()):
                    self._layout.remove(key)
        except OSError:
            return  # a reader that may not write, or a full disk: hidden it is all the same

    def _found(self, value: bytes, ttl: float | None) -> Found:
        return Found(value, None if ttl is None else self._time.now() + ttl)

    def _stamp(self) -> tuple[int, int]:
        try:
            return self._layout.root.stat().st_mtime_ns, self._layout.odd.stat().st_mtime_ns
        except OSError:
            return (0, 0)

    def _agree(self, boot: str, offset: float) -> float:
        """The first offset anyone proposed for this boot; ours where the folder does not let us ask."""
        agreed = self._layout.home / f"clock-{boot}"
        draft = self._layout.tmp / f"{agreed.name}-{os.urandom(8).hex()}"
        try:
            if not agreed.exists():
                draft.write_text(repr(offset))
                with suppress(FileExistsError):
                    agreed.hardlink_to(draft)  # all of it at once, and only if nobody was quicker
                draft.unlink()
            return float(agreed.read_text())
        except (OSError, ValueError):
            return offset


def _folder(address: str) -> Path:
    if not address.startswith("file:"):
        return Path(address).expanduser()
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not parts.path.startswith("/"):
        raise ConfigurationError(f"{address!r} names no folder here. Write file:///absolute/folder, or a plain path.")
    return Path(unquote(parts.path))
