"""A store on etcd 3.4 or later."""

import math
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, Self

import aiohttp

from creative_services.core.errors import StoreError, StoreUnreachableError
from creative_services.core.store import Changes, as_bytes, checked_ttl, key_bytes
from creative_services.stores._base import Base
from creative_services.stores._edge import TIMEOUT, Edge
from creative_services.stores._watching import Readings, Some, Whole, watching
from creative_services.stores.etcd_api import Gateway, Json, raw, text

_FAULTS: Final[Mapping[type[BaseException], type[StoreError]]] = {
    aiohttp.ClientError: StoreUnreachableError,
    PermissionError: StoreError,
    ValueError: StoreError,  # an answer that is no JSON: something else than etcd lives there
}
_PAGE: Final = 2000


class EtcdKVStore(Base):
    """Keeps values under ``prefix``. Times to live are whole seconds there, and two at least.

    ``resync`` is how long a watch may hear nothing before it makes sure that it would.
    """

    def __init__(
        self,
        url: str = "etcd://127.0.0.1:2379",
        *,
        prefix: str = "creative_services/",
        timeout: float = TIMEOUT,
        resync: float = 10.0,
    ) -> None:
        self._edge = Edge(url, _FAULTS, timeout)
        self.name = self._edge.name
        self._etcd = Gateway(url)
        self._prefix, self._resync = prefix.encode(), resync

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``etcd://user:password@one:2379,two:2379``, or ``etcds://`` for TLS."""
        return cls(url, **options)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        question = {"key": self._name(key)}
        async with self._edge.asking(f"get {key!r}"):
            found = (await self._etcd.ask("/v3/kv/range", question)).get("kvs", ())
        return raw(found[0].get("value")) if found else None

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        return await self._put(key, as_bytes(value), None)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds, by etcd's clock."""
        return await self._put(key, as_bytes(value), checked_ttl(ttl))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        question = {"key": self._name(key)}
        async with self._edge.asking(f"delete {key!r}", writes=True):
            return int((await self._etcd.ask("/v3/kv/deleterange", question)).get("deleted", 0)) > 0

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        question = {"key": self._name(key), "count_only": True}
        async with self._edge.asking(f"look for {key!r}"):
            return int((await self._etcd.ask("/v3/kv/range", question)).get("count", 0)) > 0

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list((await self._read(prefix or "", keys_only=True))[0])

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value, all of one moment."""
        return (await self._read(prefix))[0]

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        name = self._name(key)
        condition: Json = {"key": name, "target": "CREATE", "result": "EQUAL", "create_revision": 0}
        if expected is not None:
            condition = {"key": name, "target": "VALUE", "result": "EQUAL", "value": text(as_bytes(expected))}
        lasts = None if ttl is None else checked_ttl(ttl)
        async with self._edge.asking(f"swap {key!r}", writes=True):
            write: Json = {"request_delete_range": {"key": name}}
            if value is not None:
                write = {"request_put": await self._entry(name, as_bytes(value), lasts)}
            question = {"compare": [condition], "success": [write]}
            return bool((await self._etcd.ask("/v3/kv/txn", question)).get("succeeded"))

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes."""
        return watching(lambda: self._readings(prefix))

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._etcd.aclose()

    async def _readings(self, prefix: str) -> Readings:
        values, revision = await self._read(prefix)
        yield Whole(values)
        # From the next revision on, so that nothing falls between reading and watching.
        wanted = {**self._range(prefix), "start_revision": revision + 1}
        answers = self._etcd.follow("/v3/watch", {"create_request": wanted}, silence=self._resync)
        async with self._edge.listening("watch"):
            try:
                async for answer in answers:
                    if answer.get("canceled"):  # what we want to hear about is compacted away: read it all again
                        return
                    if events := answer.get("events"):
                        yield Some(dict(map(self._changed, events)))
            except TimeoutError:
                return  # silence; what follows shows whether it was a good one
            finally:
                await answers.aclose()

    async def _read(self, prefix: str, *, keys_only: bool = False) -> tuple[dict[str, bytes], int]:
        """Everything under a prefix, and the revision it is of."""
        found: dict[str, bytes] = {}
        question: Json = {**self._range(prefix), "limit": _PAGE, "keys_only": keys_only}
        while True:
            async with self._edge.asking(f"read {prefix!r}"):
                answer = await self._etcd.ask("/v3/kv/range", question)
            entries = answer.get("kvs", ())
            found.update({self._key(entry): raw(entry.get("value")) for entry in entries})
            revision = int(answer["header"]["revision"])
            if not answer.get("more"):
                return found, int(question.get("revision", revision))
            question = {"revision": revision, **question, "key": text(raw(entries[-1]["key"]) + b"\0")}

    async def _put(self, key: str, value: bytes, ttl: float | None) -> bool:
        name = self._name(key)
        async with self._edge.asking(f"set {key!r}", writes=True):
            await self._etcd.ask("/v3/kv/put", await self._entry(name, value, ttl))
        return True

    async def _entry(self, name: str, value: bytes, ttl: float | None) -> Json:
        entry: Json = {"key": name, "value": text(value)}
        if ttl is not None:
            # A lease for each value: it ends by itself, also when the value was replaced long before.
            lease = await self._etcd.ask("/v3/lease/grant", {"TTL": math.ceil(ttl)})
            entry["lease"] = lease["ID"]
        return entry

    def _changed(self, event: Json) -> tuple[str, bytes | None]:
        entry = event["kv"]
        return self._key(entry), None if event.get("type") == "DELETE" else raw(entry.get("value"))

    def _range(self, prefix: str) -> Json:
        start = self._prefix + prefix.encode()
        # The first key behind all that begin so; UTF-8 has no byte 255. Without any prefix: to the very end.
        end = start[:-1] + bytes([start[-1] + 1]) if start else b"\0"
        return {"key": text(start or b"\0"), "range_end": text(end)}

    def _name(self, key: str) -> str:
        return text(self._prefix + key_bytes(key))

    def _key(self, entry: Json) -> str:
        return raw(entry["key"])[len(self._prefix) :].decode(errors="replace")
