"""A store on a Redis server (not a Cluster, whose scripts see one shard only)."""

import math
import re
from collections.abc import AsyncGenerator, Mapping
from time import monotonic
from typing import Any, Final, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as BrokenError
from redis.exceptions import TimeoutError as LateError

from creative_services.core.errors import StoreError, StoreTimedOutError, StoreUnreachableError
from creative_services.core.store import Changes, as_bytes, checked_ttl, key_bytes
from creative_services.stores._base import Base
from creative_services.stores._edge import TIMEOUT, Edge, shown
from creative_services.stores._per_loop import PerLoop
from creative_services.stores._watching import Readings, Some, Whole, watching
from creative_services.stores.redis_scripts import WRITE

_FAULTS: Final[Mapping[type[BaseException], type[StoreError]]] = {
    LateError: StoreTimedOutError,
    AuthenticationError: StoreError,
    BrokenError: StoreUnreachableError,
    RedisError: StoreError,
}
_GLOB: Final = re.compile(rb"([*?\[\]\\^-])")
_PAGE: Final = 2000  # keys looked at in one step: about a millisecond of the server's time
_MOST_CONNECTIONS: Final = 16


class RedisKVStore(Base):
    """Keeps values as plain Redis strings, called what the key is called, after ``namespace``.

    ``resync`` is how often a watch reads everything again, to see what others wrote and what expired; a server with
    ``notify-keyspace-events`` set to ``KA`` in its configuration tells both at once.
    """

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        namespace: str = "",
        timeout: float = TIMEOUT,
        resync: float = 5.0,
    ) -> None:
        self.name = shown(url)
        self._namespace, self._resync = namespace.encode(), resync
        self._edge = Edge(url, _FAULTS, timeout)
        self._clients: PerLoop[Redis] = PerLoop(lambda: _client(url, timeout), lambda client: client.aclose())
        self._channel = b"creative_services:changes:" + self._namespace

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``redis://user:password@host:6379/0``, or ``rediss://`` for TLS."""
        return cls(url, **options)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        name = self._name(key)
        async with self._edge.asking(f"get {key!r}"):
            value: Any = await (await self._clients.here()).get(name)
        return None if value is None else bytes(value)

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        return await self._write(f"set {key!r}", key, value=as_bytes(value))

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds, by the server's clock."""
        return await self._write(f"set {key!r}", key, value=as_bytes(value), ttl=checked_ttl(ttl))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        return await self._write(f"delete {key!r}", key)

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        name = self._name(key)
        async with self._edge.asking(f"look for {key!r}"):
            return bool(await (await self._clients.here()).exists(name))

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list(await self.read_many(prefix or ""))

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value. It looks at the whole database: give us our own."""
        pattern = _GLOB.sub(rb"\\\1", self._namespace + prefix.encode()) + b"*"
        found: dict[str, bytes] = {}
        cursor = 0
        while True:
            # A page, not KEYS *, which stops the server for as long as it takes. Nor a script around the two commands:
            # Lua takes ten times as long to hand a thousand values on as the server to find them.
            async with self._edge.asking(f"read {prefix!r}"):
                client = await self._clients.here()
                page: Any = await client.scan(cursor, pattern, _PAGE, _type="string")
                cursor, names = page
                values: list[Any] = await client.mget(names) if names else []
            pairs = zip(names, values, strict=True)
            found.update({key: value for name, value in pairs if value is not None and (key := self._key(name))})
            if not cursor:
                return found

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        was = b"" if expected is None else as_bytes(expected)
        new = None if value is None else as_bytes(value)
        lasts = None if ttl is None else checked_ttl(ttl)
        guarded = "absent" if expected is None else "equal"
        return await self._write(f"swap {key!r}", key, guarded=guarded, expected=was, value=new, ttl=lasts)

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes."""
        return watching(lambda: self._readings(prefix))

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._clients.aclose()

    async def _readings(self, prefix: str) -> Readings:
        client = await self._clients.here()
        async with client.pubsub() as listener:
            async with self._edge.asking("watch"):
                await self._subscribe(listener, prefix)
            while True:
                yield Whole(await self.read_many(prefix))
                # By the clock and not by silence: where others keep writing there never is any, and what expired, of
                # which nobody is told, would never be missed.
                due = monotonic() + self._resync
                while monotonic() < due:
                    if rung := await self._rung(listener, prefix, due):
                        yield Some({key: await self.get(key) for key in rung})

    async def _subscribe(self, listener: PubSub, prefix: str) -> None:
        await listener.subscribe(self._channel)
        pattern = _GLOB.sub(rb"\\\1", self._namespace + prefix.encode()) + b"*"
        await listener.psubscribe(self._keyspace(listener) + pattern)

    async def _rung(self, listener: PubSub, prefix: str, due: float) -> frozenset[str]:
        """The keys that somebody wrote; empty when nobody did until it is time to look at everything."""
        rung: frozenset[str] = frozenset()
        patience = due - monotonic()
        async with self._edge.listening("watch"):
            while message := await listener.get_message(ignore_subscribe_messages=False, timeout=max(0.0, patience)):
                if message["type"] in ("message", "pmessage"):
                    rung |= self._meant(message, self._keyspace(listener), prefix)
                # Once one came, what waits behind it is taken along, and nothing is waited for.
                patience = 0.0 if rung else due - monotonic()
        return rung

    def _meant(self, message: Mapping[str, Any], keyspace: bytes, prefix: str) -> frozenset[str]:
        name: bytes = message["data"] if message["type"] == "message" else message["channel"].removeprefix(keyspace)
        key = self._key(name)
        return frozenset((key,) if key and key.startswith(prefix) else ())

    @staticmethod
    def _keyspace(listener: PubSub) -> bytes:
        return b"__keyspace@%d__:" % int(listener.connection_pool.connection_kwargs.get("db") or 0)

    async def _write(
        self,
        what: str,
        key: str,
        *,
        guarded: str = "any",
        expected: bytes = b"",
        value: bytes | None = None,
        ttl: float | None = None,
    ) -> bool:
        name = self._name(key)
        lasts = "" if ttl is None else str(math.ceil(ttl * 1000))  # rounded up: never early
        given: list[bytes | str] = [name, guarded, expected, value or b"", lasts, "delete" if value is None else "set"]
        async with self._edge.asking(what, writes=True):
            script = (await self._clients.here()).register_script(WRITE)
            return bool(await script(keys=[name, self._channel], args=given))

    def _name(self, key: str) -> bytes:
        return self._namespace + key_bytes(key)

    def _key(self, name: bytes) -> str | None:
        """The key; None for one that is not ours: of another namespace, or no text."""
        try:
            return name[len(self._namespace) :].decode() if name.startswith(self._namespace) else None
        except UnicodeDecodeError:
            return None


def _client(url: str, timeout: float) -> Redis:
    # The driver's own retries would spend our deadline ten times over.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MOST_CONNECTIONS,
        timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
    )
    return Redis.from_pool(pool)
