"""What one look at the database gives, and the immutable state that look-ups read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from creative_services.core.llm_registry import LLMEntry, LLMTier, rank
from creative_services.core.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True)
class Revision:
    """Which state of the table: its number for people, its token so that no two states are taken for one."""

    number: int = 0
    token: int = 0

    def __str__(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All entries of one revision, and what is special about some of them."""

    revision: Revision
    entries: tuple[LLMEntry, ...]
    unavailable: Mapping[int, str] = field(default_factory=dict)
    pinned: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How closely a feed follows: its poll, its full reload, and the Redis that makes it instant."""

    poll_seconds: float = 0.5
    reload_seconds: float = 60.0
    redis_url: str = ""


class EntrySource(Protocol):
    """Where a feed reads from; the Django app hands one out for each database."""

    @property
    def pace(self) -> Pace:
        """How closely to follow; read before every wait, so that a changed setting counts."""
        ...

    def revision(self) -> Revision:
        """The revision now: one row."""
        ...

    def read(self, revision: Revision, *, refresh: bool) -> Reading:
        """Every entry; with ``refresh`` also the keys behind references of rows that did not change."""
        ...

    async def refusal(self, entry: LLMEntry) -> str | None:
        """Why the entry's endpoint must not be called at this moment; None when it may."""
        ...

    def announce(self, held: "Held") -> None:
        """Tell the receivers in this process that look-ups now see ``held``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The state that look-ups read: never changed, only replaced."""

    reading: Reading
    snapshot: RegistrySnapshot
    by_name: Mapping[str, LLMEntry]
    pins_end: datetime | None = None

    @classmethod
    def of(cls, reading: Reading, now: datetime) -> "Held":
        """Index a reading; pins that are over by ``now`` no longer count."""
        pins = {llm_id: until for llm_id, until in reading.pinned.items() if until > now}
        snapshot = RegistrySnapshot.of(reading.entries)
        return cls(
            reading=reading,
            snapshot=_with_pins(snapshot, pins) if pins else snapshot,
            by_name={entry.name: entry for entry in reversed(snapshot.active)},
            pins_end=min(pins.values(), default=None),
        )


def _with_pins(snapshot: RegistrySnapshot, pins: Collection[int]) -> RegistrySnapshot:
    by_tier = {tier: _pinned_first(entries, pins) for tier, entries in snapshot.by_tier.items()}
    winners: dict[LLMTier, LLMEntry] = {tier: entries[0] for tier, entries in by_tier.items() if entries}
    return replace(snapshot, by_tier=by_tier, winners=winners)


def _pinned_first(entries: tuple[LLMEntry, ...], pins: Collection[int]) -> tuple[LLMEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.id not in pins, rank(entry))))
