"""A registry's state at one moment: never changed, only replaced, so a look-up needs no lock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from creative_services.core.llm_registry import LLMEntry, LLMTier, rank


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySnapshot:
    """Entries indexed when written, so that asking is one dictionary look-up however many there are."""

    by_id: Mapping[int, LLMEntry]
    by_tier: Mapping[LLMTier, tuple[LLMEntry, ...]]
    winners: Mapping[LLMTier, LLMEntry]
    active: tuple[LLMEntry, ...]

    @classmethod
    def of(cls, entries: Iterable[LLMEntry]) -> "RegistrySnapshot":
        """Index ``entries``; of two with one id the later wins."""
        by_id = {entry.id: entry for entry in entries}
        active = sorted((entry for entry in by_id.values() if entry.is_active), key=rank)
        tiers: dict[LLMTier, list[LLMEntry]] = {tier: [] for tier in LLMTier}
        for entry in active:
            tiers[entry.tier].append(entry)
        return cls(
            by_id=by_id,
            by_tier={tier: tuple(found) for tier, found in tiers.items()},
            winners={tier: found[0] for tier, found in tiers.items() if found},
            active=tuple(active),
        )
