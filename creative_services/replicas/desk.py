"""For those who look after replicas: who is there with all that is known of each, and drain or evict. Blocking."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

from creative_services.core.errors import ConfigurationError, ReplicaError, StoreError
from creative_services.core.replicas import Replica, of_server
from creative_services.core.secrets import Secret
from creative_services.core.store import Expires, KeyValueStore, Swaps
from creative_services.replicas import registrations
from creative_services.replicas.doorway import Doorway
from creative_services.replicas.presence import Presence
from creative_services.replicas.sources import PREFIXES, values_under
from creative_services.stores import open_store
from creative_services.system_clock import SystemClock

T = TypeVar("T")
_TRIES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A replica as a desk sees it; what its kind of registration does not tell is None."""

    replica: Replica
    connected: bool = True  # held by a routing service; else a server that registered itself in the store
    since: float | None = None
    beat: float | None = None
    in_flight: int | None = None
    answered: int | None = None  # of the last 15 minutes
    latency: float | None = None

    @property
    def holder(self) -> str:
        """Which process of a routing service it is connected to."""
        return self.replica.holder.rpartition(":")[0] or self.replica.holder


class Desk(Protocol):
    """A roster, be it in a store or at a routing service."""

    def read(self) -> Sequence[Seen]:
        """Everyone who is there."""
        ...

    def drain(self, replica_id: str, draining: bool = True) -> bool:
        """Ask it no more, or again; False when nobody of this id is connected."""
        ...

    def evict(self, replica_id: str) -> bool:
        """Take it off; False when nobody of this id is connected."""
        ...


def desk_at(where: str, token: Secret | str | None = None) -> Desk:
    """The desk of a routing service (http://host:8080) or of a store (redis://..., a folder)."""
    return ServiceDesk(where, token) if where.startswith(("http://", "https://")) else StoreDesk(where)


class ServiceDesk:
    """Those who are connected to a routing service."""

    def __init__(self, api_server: str, token: Secret | str | None = None) -> None:
        self._door = Doorway(api_server, token)

    def read(self) -> Sequence[Seen]:
        """Everyone who is there."""
        status, answer = self._door.ask("GET", "/registry", {"details": "1"})
        if status != 200:
            raise self._door.refusal(status, answer)
        try:
            return [_connected(document) for document in answer["replicas"]]
        except (ConfigurationError, LookupError, TypeError, ValueError) as error:
            raise ReplicaError(f"{self._door.url} told no roster: {error}. Is it the routing service?") from error

    def drain(self, replica_id: str, draining: bool = True) -> bool:
        """Ask it no more, or again."""
        return self._done("POST" if draining else "DELETE", f"/drain/{quote(replica_id, safe='')}")

    def evict(self, replica_id: str) -> bool:
        """Take it off."""
        return self._done("DELETE", f"/register/{quote(replica_id, safe='')}")

    def _done(self, method: str, path: str) -> bool:
        status, answer = self._door.ask(method, path)
        if status not in (200, 404):
            raise self._door.refusal(status, answer)
        return status == 200


class StoreDesk:
    """Servers that registered themselves in a store, and those connected to the routing services over it."""

    def __init__(self, where: str) -> None:
        self._where = where

    def read(self) -> Sequence[Seen]:
        """Everyone who is there."""
        return self._with_store(_everyone)

    def drain(self, replica_id: str, draining: bool = True) -> bool:
        """Ask it no more, or again."""
        return self._with_store(lambda store: _change(store, replica_id, lambda found: found.drained(draining)))

    def evict(self, replica_id: str) -> bool:
        """Take it off."""
        return self._with_store(lambda store: _change(store, replica_id, lambda _: None))

    def _with_store(self, work: Callable[[KeyValueStore], Awaitable[T]]) -> T:
        async def run() -> T:
            store = open_store(self._where)
            try:
                return await work(store)
            finally:
                if close := getattr(store, "aclose", None):
                    await close()

        return asyncio.run(run())


async def _everyone(store: KeyValueStore) -> Sequence[Seen]:
    servers, kept, holders = await asyncio.gather(*(values_under(store, prefix) for prefix in PREFIXES))
    alive = {key.removeprefix(registrations.HOLDER_PREFIX) for key in holders}
    found = [each for raw in kept.values() if (each := registrations.decoded(raw)) and each.holder in alive]
    presence = Presence(SystemClock(), store_expires=isinstance(store, Expires))
    return [
        *map(_held, found),
        *map(_registered, presence.living(servers)),
    ]


def _registered(record: Mapping[str, Any]) -> Seen:
    return _seen(of_server(record), connected=False, beat=record.get("last_heartbeat"))


def _held(replica: Replica) -> Seen:
    return _seen(replica, connected=True, since=replica.since or None)


def _seen(replica: Replica, *, connected: bool, since: float | None = None, beat: float | None = None) -> Seen:
    stats = replica.data.get("request_stats") or {}
    return Seen(
        replica=replica,
        connected=connected,
        since=since,
        beat=beat,
        in_flight=stats.get("in_flight"),
        answered=stats.get("last_15_minutes"),
        latency=stats.get("last_15_minutes_latency"),
    )


def _connected(document: Mapping[str, Any]) -> Seen:
    told = registrations.registration(document)
    data, since = registrations.figures(document.get("data") or {}), float(document.get("since") or 0.0)
    return _held(replace(told, holder=str(document.get("holder", "")), since=since, data=data))


async def _change(store: KeyValueStore, replica_id: str, change: Callable[[Replica], Replica | None]) -> bool:
    if not isinstance(store, Swaps):
        raise ConfigurationError(f"{store!r} has no swap, so that nothing in it can be changed safely.")
    key = registrations.key_of(replica_id)
    for _ in range(_TRIES):
        raw = await store.get(key)
        found = None if raw is None else registrations.decoded(raw)
        if found is None:
            return False
        after = change(found)
        if await store.swap(key, raw, None if after is None else registrations.encoded(after)):
            return True
    raise StoreError(f"Others keep changing {replica_id!r}. Try again.")
