"""Replicas of both kinds of registration, from wherever an address says: a store, or a routing service."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from creative_services.config import environment, setting
from creative_services.core.capabilities import Wish, matches
from creative_services.core.clock import Clock
from creative_services.core.errors import ConfigurationError, ReplicaError, StoreUnreachableError
from creative_services.core.replicas import Replica, of_server
from creative_services.core.store import Expires, KeyValueStore, ReadsMany
from creative_services.replicas import records, registrations
from creative_services.replicas.balancer import Balancer
from creative_services.replicas.doorway import Doorway
from creative_services.replicas.presence import Presence
from creative_services.replicas.view import RosterView
from creative_services.stores import open_store

SCHEME: Final = "replicas://"
# The routing service's own. An entry's key is for its replicas, and each token stays with whom it is for.
TOKEN_VARIABLE: Final = "CREATIVE_SERVICES_REPLICAS_TOKEN"  # noqa: S105 - a variable's name
PREFIXES: Final = (records.PREFIX, registrations.PREFIX, registrations.HOLDER_PREFIX)
_FRESH, _LASTS, _KEEPS = 2.0, 30.0, 300.0


class StoreSource:
    """Servers that registered themselves, and replicas that a routing service keeps in the same store."""

    def __init__(self, store: KeyValueStore, clock: Clock) -> None:
        self._store = store
        self._presence = Presence(clock, store_expires=isinstance(store, Expires))

    async def read(self) -> Sequence[Replica]:
        """Everyone who is there."""
        servers, kept, holders = await asyncio.gather(*(values_under(self._store, prefix) for prefix in PREFIXES))
        alive = {key.removeprefix(registrations.HOLDER_PREFIX) for key in holders}
        held = (registrations.decoded(raw) for raw in kept.values())
        return [
            *map(of_server, self._presence.living(servers)),
            *(replica for replica in held if replica is not None and replica.holder in alive),
        ]

    async def aclose(self) -> None:
        """Let go of the store's connections."""
        close = getattr(self._store, "aclose", None)
        if close:
            await close()


async def values_under(store: KeyValueStore, prefix: str) -> Mapping[str, bytes]:
    """What a store keeps under a prefix: at one stroke, where it can."""
    if isinstance(store, ReadsMany):
        return await store.read_many(prefix)
    keys = [key for key in await store.keys() if key.startswith(prefix)]
    values = await asyncio.gather(*(store.get(key) for key in keys))
    return {key: value for key, value in zip(keys, values, strict=True) if value is not None}


class ServiceSource:
    """Replicas that are connected to a routing service."""

    def __init__(self, api_server: str) -> None:
        self._door = Doorway(api_server, setting(environment(), TOKEN_VARIABLE))

    async def read(self) -> Sequence[Replica]:
        """Everyone who is there."""
        try:
            status, answer = await asyncio.to_thread(self._door.ask, "GET", "/registry")
            if status != 200:
                raise self._door.refusal(status, answer)
            return [registrations.registration(each) for each in answer["replicas"]]
        except (ReplicaError, ConfigurationError, LookupError, TypeError) as error:
            raise StoreUnreachableError(f"The routing service gave no roster: {error}") from error

    async def aclose(self) -> None:
        """Nothing stays open."""


def parsed(address: str, otherwise: Mapping[str, str]) -> tuple[str, Wish]:
    """(where, wish) of ``replicas://WHERE?model=qwen2``; without conditions the wish is ``otherwise``."""
    where, _, query = address.removeprefix(SCHEME).partition("?")
    if not address.startswith(SCHEME) or not where:
        raise ConfigurationError(
            f"{address!r} names no replicas. Write replicas://redis://127.0.0.1:6379/0?model=qwen2, "
            "replicas:///a/folder?model=qwen2 or replicas://host:8080?model=qwen2 for a routing service."
        )
    return where, tuple(sorted(parse_qsl(query, keep_blank_values=True) or otherwise.items()))


def opened(where: str, clock: Clock) -> StoreSource | ServiceSource:
    """The source at ``where``."""
    if where.startswith(("http://", "https://")):
        return ServiceSource(where)
    if "://" in where or where.startswith((".", "/", "~", "sqlite:", "file:")):
        return StoreSource(open_store(where), clock)
    return ServiceSource(f"http://{where}")


class Choice:
    """Those of a roster who satisfy one wish, and the balancer among them."""

    __slots__ = ("_settled", "_view", "_wish", "balancer")

    def __init__(self, view: RosterView, wish: Wish, balancer: Balancer) -> None:
        self._view, self._wish, self.balancer = view, wish, balancer
        self._settled = -1

    async def settle(self) -> Balancer:
        """The balancer, with those who are there now. The store's error when nothing is known."""
        if not self._view.glance():
            await self._view.settle()
        self._take()
        if not self.balancer.pool and await self._view.look_again():
            self._take()
        return self.balancer

    def _take(self) -> None:
        if self._settled != self._view.version:
            self._settled = self._view.version
            self.balancer.settle([each for each in self._view.replicas if matches(each.capabilities, self._wish)])


class Sources:
    """Sources by address, each with one view of its roster, and a choice for each wish."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[StoreSource | ServiceSource, RosterView]] = {}
        self._choices: dict[tuple[str, Wish], Choice] = {}

    def choice(self, where: str, wish: Wish) -> Choice:
        """The choice among those at ``where`` who satisfy ``wish``."""
        found = self._choices.get((where, wish))
        if found is None:
            balancer = Balancer(now=self._clock.now)
            found = self._choices[where, wish] = Choice(self._view(where), wish, balancer)
        return found

    def _view(self, where: str) -> RosterView:
        if where not in self._known:
            source = opened(where, self._clock)
            view = RosterView(source.read, self._clock, fresh=_FRESH, lasts=_LASTS, keeps=_KEEPS)
            self._known[where] = (source, view)
        return self._known[where][1]

    async def aclose(self) -> None:
        """Let go of everything."""
        known, self._known = self._known, {}
        self._choices.clear()
        for source, view in known.values():
            await view.aclose()
            await source.aclose()
