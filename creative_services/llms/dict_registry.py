"""The registry in memory."""

from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Self

from creative_services.core.errors import ConfigurationError, NoEntryError
from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.snapshot import RegistrySnapshot

if TYPE_CHECKING:
    from creative_services.core.clock import Clock


class DictRegistry:
    """Entries in memory. Asking is one look-up in an immutable snapshot; changing swaps in a new one."""

    def __init__(self, entries: Iterable[LLMEntry] = ()) -> None:
        self._writing = Lock()
        self._snapshot = RegistrySnapshot.of(())
        self.add(*entries)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, clock: "Clock | None" = None) -> Self:
        """The default models of every vendor whose key is set, Ollama, and the entries of CREATIVE_SERVICES_CONFIG."""
        # Only who reads the environment needs the catalogue.
        from creative_services.catalog.environment import entries_of
        from creative_services.config import environment
        from creative_services.system_clock import SystemClock

        today = (clock or SystemClock()).today()
        return cls(entries_of(environment() if environ is None else environ, today))

    def get_by_id(self, llm_id: int) -> LLMEntry | None:
        """The entry with this id, active or not, or None."""
        return self._snapshot.by_id.get(llm_id)

    def get_by_tier(self, tier: LLMTier) -> LLMEntry | None:
        """The cheapest active entry of the tier, or None."""
        return self._snapshot.winners.get(tier)

    def list_active(self) -> list[LLMEntry]:
        """Every active entry, cheapest first."""
        return list(self._snapshot.active)

    def candidates(self, tier: LLMTier) -> tuple[LLMEntry, ...]:
        """The active entries of the tier, cheapest first."""
        return self._snapshot.by_tier.get(tier, ())

    def get_by_name(self, name: str) -> LLMEntry | None:
        """The cheapest active entry of this name, or None."""
        return next((entry for entry in self._snapshot.active if entry.name == name), None)

    def add(self, *entries: LLMEntry) -> None:
        """Add entries whose ids are new: all of them, or none when one id is taken."""
        with self._writing:
            held, new = self._snapshot, dict[int, LLMEntry]()
            for entry in entries:
                _refuse_stranger(entry)
                _refuse_twin(held.by_id.get(entry.id) or new.get(entry.id), entry)
                new[entry.id] = entry
            self._snapshot = held.changed(new=new.values())

    def replace(self, entry: LLMEntry) -> None:
        """Put ``entry`` in the place of the one with its id."""
        with self._writing:
            _require(entry.id, self._snapshot.by_id)
            self._snapshot = self._snapshot.changed(new=[entry])

    def remove(self, llm_id: int) -> None:
        """Forget the entry with this id."""
        with self._writing:
            _require(llm_id, self._snapshot.by_id)
            self._snapshot = self._snapshot.changed(gone=[llm_id])

    def __iter__(self) -> Iterator[LLMEntry]:
        """Every entry, active or not, in the order they were added."""
        return iter(self._snapshot.by_id.values())

    def __repr__(self) -> str:
        held = self._snapshot
        return f"<DictRegistry: {len(held.by_id)} entries, {len(held.active)} active>"


def _refuse_stranger(entry: object) -> None:
    if not isinstance(entry, LLMEntry):
        raise ConfigurationError(f"A registry holds LLMEntry objects; {repr(entry)[:60]} is none.")


def _refuse_twin(holder: LLMEntry | None, entry: LLMEntry) -> None:
    if holder is not None:
        raise ConfigurationError(
            f"Two entries have the id {entry.id}: {holder} and {entry}. "
            "Give one of them another id, or change an entry with registry.replace(entry)."
        )


def _require(llm_id: int, known: Mapping[int, LLMEntry]) -> None:
    if llm_id not in known:
        raise NoEntryError(
            f"No entry has the id {llm_id}. Known ids: {_listed(known) or 'none, the registry is empty'}."
        )


def _listed(ids: Iterable[int]) -> str:
    # A registry may hold a million; an error message may not.
    known = sorted(ids)
    return ", ".join(map(str, known[:20])) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
