"""A store in Consul's key-value tree."""

import asyncio
import math
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp

from creative_services.core.clock import Clock
from creative_services.core.errors import ConfigurationError, StoreError, StoreUnreachableError
from creative_services.core.store import Changes, as_bytes, checked_ttl
from creative_services.stores._base import Base
from creative_services.stores._edge import TIMEOUT, Edge
from creative_services.stores._keys import escaped, escaped_prefix, unescaped
from creative_services.stores._silence import Silence
from creative_services.stores._watching import Readings, Whole, watching
from creative_services.stores.consul_api import Consul, Entry
from creative_services.system_clock import SystemClock

_FAULTS: Final[Mapping[type[BaseException], type[StoreError]]] = {
    aiohttp.ClientError: StoreUnreachableError,
    ValueError: StoreError,  # an answer that is no JSON: something else than Consul lives there
}
_TENTHS: Final = 22  # bits of the flags that hold the time to live, in tenths of a second; the others hold the end
_LONGEST: Final = (1 << _TENTHS) - 1


class ConsulKVStore(Base):
    """Keeps values under ``prefix``. ``consul`` is a ``Consul`` of ours, an address, or a client of another library.

    Consul lets only sessions of ten seconds or more expire, so the end of a value is written into its flags, and
    readers notice silence by themselves.
    """

    def __init__(
        self,
        consul: Any = None,
        prefix: str = "services/",
        *,
        timeout: float = TIMEOUT,
        resync: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._consul = consul if isinstance(consul, Consul) else _reached(consul)
        self.name = self._consul.address
        self._edge = Edge(self.name, _FAULTS, timeout)
        self._prefix, self._resync = prefix, resync
        self._silence = Silence(clock or SystemClock())

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``consul://:token@host:8500/prefix/``, or ``consuls://`` for TLS."""
        if path := urlsplit(url).path.lstrip("/"):
            options.setdefault("prefix", path)
        return cls(url, **options)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        async with self._edge.asking(f"get {key!r}"):
            return (await self._present(key))[0]

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        return await self._put(key, as_bytes(value), 0)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds."""
        return await self._put(key, as_bytes(value), self._flags(checked_ttl(ttl)))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        while (present := await self.get(key)) is not None:
            if await self.swap(key, present, None):
                return True
        return False

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list(await self.read_many(prefix or ""))

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value."""
        async with self._edge.asking(f"read {prefix!r}"):
            entries, _ = await self._consul.recurse(self._prefix + escaped_prefix(prefix))
            found = self._living(prefix, entries)
            await self._bury(entries)
        return found

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        name, was = self._name(key), None if expected is None else as_bytes(expected)
        flags = 0 if ttl is None else self._flags(checked_ttl(ttl))
        async with self._edge.asking(f"swap {key!r}", writes=True):
            while True:
                present, index = await self._present(key)
                if present != was:
                    return False
                if value is None and index == 0:
                    return True
                if value is None and await self._consul.delete(name, cas=index):
                    return True
                if value is not None and await self._consul.put(name, as_bytes(value), flags=flags, cas=index):
                    return True

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes."""
        return watching(lambda: self._readings(prefix))

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._consul.aclose()

    async def _readings(self, prefix: str) -> Readings:
        under, index = self._prefix + escaped_prefix(prefix), 0
        while True:
            wait = self._next_look()
            # Consul answers up to a sixteenth of the wait late, on purpose.
            patience = self._edge.timeout + (wait * 17 / 16 if index else 0)
            async with Edge(self.name, _FAULTS, patience).asking(f"watch {prefix!r}"):
                entries, latest = await self._consul.recurse(under, index=index, wait=wait)
            # An index that goes back means that Consul was restored: begin again, as its documentation asks.
            index = latest if latest >= index else 0
            yield Whole(self._living(prefix, entries))

    def _next_look(self) -> float:
        """How long to wait for changes: values that end by themselves are no change to Consul."""
        return min(self._resync, max(0.05, self._silence.soonest()))

    async def _present(self, key: str) -> tuple[bytes | None, int]:
        """The live value, and the index to name in a guarded write: of an expired one too, and 0 for none."""
        entry = await self._consul.get(self._name(key))
        if entry is None:
            self._silence.forget(key)
            return None, 0
        return (entry.value if self._lives(key, entry) else None), entry.index

    def _living(self, prefix: str, entries: Iterable[Entry]) -> dict[str, bytes]:
        ours = [(key, entry) for entry in entries if (key := self._key(entry.name))]
        self._silence.keep_only(prefix, {key for key, _ in ours})
        return {key: entry.value for key, entry in ours if self._lives(key, entry)}

    def _lives(self, key: str, entry: Entry) -> bool:
        if not entry.flags:
            self._silence.forget(key)
            return True
        ends_at, ttl = (entry.flags >> _TENTHS) / 1000, (entry.flags & _LONGEST) / 10
        return self._silence.alive(key, (entry.index, entry.flags), ends_at, ttl)

    async def _bury(self, entries: Iterable[Entry]) -> None:
        """Delete what we ourselves saw silent for its whole time, unless it was renewed meanwhile."""
        dead = [entry for entry in entries if entry.flags and self._silence.surely_dead(self._key(entry.name) or "")]
        await asyncio.gather(*(self._consul.delete(entry.name, cas=entry.index) for entry in dead))

    async def _put(self, key: str, value: bytes, flags: int) -> bool:
        name = self._name(key)
        async with self._edge.asking(f"set {key!r}", writes=True):
            return await self._consul.put(name, value, flags=flags)

    def _flags(self, ttl: float) -> int:
        return math.ceil(self._silence.ends_at(ttl) * 1000) << _TENTHS | min(_LONGEST, math.ceil(ttl * 10))

    def _name(self, key: str) -> str:
        return self._prefix + escaped(key)

    def _key(self, name: str) -> str | None:
        return unescaped(name.removeprefix(self._prefix))


def _reached(client: Any) -> Consul:
    """The agent of another library's client: py-consul's and aioconsul's know its address and their token."""
    if client is None or isinstance(client, str):
        return Consul(client)
    address = getattr(getattr(client, "http", client), "base_uri", None) or getattr(client, "address", None)
    if not address:
        raise ConfigurationError(
            f"{type(client).__name__} is no Consul client that tells its address. Pass the address."
        )
    return Consul(str(address), token=getattr(client, "token", None))
