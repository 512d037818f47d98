"""The wiring: every part of a data plane made once and handed to those that need it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import random
from typing import Final

from creative_services.core.access import KeyFeed, KeySnapshot
from creative_services.core.budgets import Budget, BudgetStore
from creative_services.core.clock import Clock
from creative_services.core.events import Listener
from creative_services.core.llm_registry import GuardsCalls, LLMRegistry
from creative_services.core.provider import Provider
from creative_services.llms.accounts import Accounts, MemoryBudgets
from creative_services.llms.bell import Bell
from creative_services.llms.desk import Desk, Patience
from creative_services.llms.health import Health
from creative_services.server.access.admission import Admission, Rates
from creative_services.server.access.key_follower import KeyFollower
from creative_services.server.access.keys import KeyRing
from creative_services.server.access.limits import LocalRates
from creative_services.server.app import App, DataPlane
from creative_services.server.gateway.answering import Answering
from creative_services.server.gateway.desks import Desks, ShareOfBudgets, SparingShelf
from creative_services.server.gateway.gateway import Gateway
from creative_services.server.gateway.reaching import Reaching
from creative_services.server.gateway.replays import Replays
from creative_services.server.ledger.books import Books
from creative_services.server.life import Life, Part, Seldom
from creative_services.server.operations.pages import Operations
from creative_services.server.operations.standing import NO_ENTRY, Figure, Standing
from creative_services.server.relay.relaying import Relay
from creative_services.server.settings import Settings
from creative_services.server.translate.providing import Providing
from creative_services.server.translate.translation import Translation
from creative_services.server.upstream.doors import Doors
from creative_services.server.upstream.leg import Leg
from creative_services.server.upstream.pooled import PooledLeg
from creative_services.system_clock import SystemClock
from creative_services.telemetry.spool.spool import Spool

SPOOL: Final = "spool"
TALLIES: Final = "tallies"
REPLAYS: Final = "replays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a data plane stands on. Only the registry has to be given; keys are a fixed list, a feed, or both.

    ``open_until_keys``: until the feed has brought a first key nobody is asked for one. For this machine's own callers.
    """

    registry: LLMRegistry
    settings: Settings
    keys: KeySnapshot | None = None
    feed: KeyFeed | None = None
    open_until_keys: bool = False
    providers: Mapping[str, Provider] | None = None
    listeners: Iterable[Listener] = ()
    budgets: Sequence[Budget] = ()
    budget_store: BudgetStore | None = None
    rates: Rates | None = None
    beside: App | None = None
    clock: Clock | None = None
    leg: Leg | None = None


def build(parts: Parts) -> DataPlane:
    """The data plane of one worker. Build it in the process that will run it: it opens a spool of its own."""
    clock = parts.clock or SystemClock()
    settings = parts.settings
    keys = _ring(parts)
    leg = parts.leg or PooledLeg(now=clock.now)
    standing = Standing(
        spool=Spool(settings.state / SPOOL) if settings.ledger else None, tallies=settings.state / TALLIES
    )
    books = Books(standing, now=clock.now, time=time.time, logs=settings.access_log)
    replays = Replays(settings.state / REPLAYS)
    store = parts.budget_store or budgets_for(settings, clock)
    desks = Desks(_desk(parts, clock, store), budgets=tuple(parts.budgets), store=store)
    doors = Doors(own=frozenset(parts.providers or ()))
    rates = parts.rates or _rates(settings, clock)
    admission = Admission(
        keys=keys,
        rates=rates,
        largest_body=settings.largest_body,
        utcnow=clock.utcnow,
        open_until_keys=parts.open_until_keys,
    )
    reaching = Reaching(
        doors=doors,
        relay=Relay(leg),
        translation=Translation(leg, time=time.time),
        providing=Providing(desks.common.shelf, time=time.time),
    )
    answering = Answering(desks=desks, doors=doors, reaching=reaching, books=books)
    gateway = Gateway(
        admission=admission,
        answering=answering,
        books=books,
        replays=replays,
        now=clock.now,
        most_calls=settings.most_calls,
    )
    follower = (KeyFollower(keys, parts.feed, clock),) if keys is not None and parts.feed is not None else ()
    standing.watch(
        lambda: gateway.under_way,
        checks=(("entries", lambda: _no_entry(parts.registry)),),
        chores=(Seldom(replays.forget_old, every=3600.0, now=clock.now),),
        figures=tuple(map(_age_of_keys, follower)),
    )
    return DataPlane(
        gateway=gateway,
        admission=admission,
        operations=Operations(doubts=standing.doubts, tallies=standing.tallies, gauges=standing.gauges),
        registry=parts.registry,
        life=Life(
            (standing, leg, *_with_a_life(rates, store), *follower),
            tick=standing.tick,
            idle=lambda: not gateway.under_way,
        ),
        drain=standing.drain,
        beside=parts.beside,
    )


def _rates(settings: Settings, clock: Clock) -> Rates:
    if settings.redis_url is None:
        return LocalRates(now=clock.now, share=1 / settings.workers)
    # Its driver is an extra of its own.
    from creative_services.server.shared.line import Line
    from creative_services.server.shared.rates import SharedRates

    return SharedRates(Line(settings.redis_url, now=clock.now), now=clock.now, workers=settings.workers)


def budgets_for(settings: Settings, clock: Clock) -> BudgetStore:
    """Where spending is counted: in Redis, or in this process, which then keeps its share of every budget."""
    if settings.redis_url is None:
        return MemoryBudgets() if settings.workers == 1 else ShareOfBudgets(MemoryBudgets(), settings.workers)
    from creative_services.server.shared.budgets import SharedBudgets
    from creative_services.server.shared.line import Line

    return SharedBudgets(Line(settings.redis_url, now=clock.now), now=clock.now)


def _ring(parts: Parts) -> KeyRing | None:
    if parts.keys is None and parts.feed is None:
        return None
    return KeyRing(parts.keys or KeySnapshot.of(()))


def _age_of_keys(follower: KeyFollower) -> Figure:
    words = "Since whoever manages the keys last confirmed them; a revocation holds when this is small."
    return "keys_confirmed_seconds", words, lambda: follower.stale_for


def _desk(parts: Parts, clock: Clock, store: BudgetStore) -> Desk:
    settings = parts.settings
    return Desk(
        registry=parts.registry,
        shelf=SparingShelf(parts.providers),
        health=Health(now=clock.now, chance=random),
        accounts=Accounts(parts.budgets, store),
        bell=Bell(parts.listeners),
        clock=clock,
        chance=random,
        patience=Patience(timeout=settings.timeout, idle_timeout=settings.idle_timeout),
        guard=parts.registry if isinstance(parts.registry, GuardsCalls) else None,
    )


def _no_entry(registry: LLMRegistry) -> str | None:
    listed = registry.list_active()
    # A registry may answer asynchronously; whether it is well is then its own to say.
    return NO_ENTRY if isinstance(listed, list) and not listed else None


def _with_a_life(*candidates: object) -> tuple[Part, ...]:
    """Limits and budgets that are shared have connections to open and close; those of one process have none."""
    return tuple(each for each in candidates if isinstance(each, Part))
