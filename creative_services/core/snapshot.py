"""A registry's state at one moment: never changed, only replaced, so a look-up needs no lock."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from creative_services.core.llm_registry import LLMEntry, LLMTier, rank

# Placing one entry copies what is there, sorting looks at all of it: about this many copies cost one sort.
_COPIES_PER_SORT: Final = 50

Ranked = tuple[LLMEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySnapshot:
    """Entries indexed when written, so that asking is one dictionary look-up however many there are."""

    by_id: Mapping[int, LLMEntry]
    by_tier: Mapping[LLMTier, Ranked]
    winners: Mapping[LLMTier, LLMEntry]
    active: Ranked

    @classmethod
    def of(cls, entries: Iterable[LLMEntry]) -> "RegistrySnapshot":
        """Index ``entries``; of two with one id the later wins."""
        by_id = {entry.id: entry for entry in entries}
        active = sorted((entry for entry in by_id.values() if entry.is_active), key=rank)
        tiers: dict[LLMTier, list[LLMEntry]] = {tier: [] for tier in LLMTier}
        for entry in active:
            tiers[entry.tier].append(entry)
        return cls._indexed(by_id, {tier: tuple(found) for tier, found in tiers.items()}, tuple(active))

    @classmethod
    def _indexed(
        cls, by_id: Mapping[int, LLMEntry], by_tier: Mapping[LLMTier, Ranked], active: Ranked
    ) -> "RegistrySnapshot":
        winners = {tier: found[0] for tier, found in by_tier.items() if found}
        return cls(by_id=by_id, by_tier=by_tier, winners=winners, active=active)

    def changed(self, *, gone: Collection[int] = (), new: Collection[LLMEntry] = ()) -> "RegistrySnapshot":
        """The next state: without the ids ``gone``, and with ``new`` entries, which replace those of their ids."""
        by_id = dict(self.by_id)
        left = [by_id.pop(llm_id) for llm_id in gone]
        left += [by_id[entry.id] for entry in new if entry.id in by_id]
        by_id.update((entry.id, entry) for entry in new)
        if (len(left) + len(new)) * _COPIES_PER_SORT > len(by_id):
            return self.of(by_id.values())
        by_tier, active = dict(self.by_tier), self.active
        for entry in filter(_is_active, left):
            by_tier[entry.tier], active = _without(by_tier[entry.tier], entry), _without(active, entry)
        for entry in filter(_is_active, new):
            by_tier[entry.tier], active = _with(by_tier[entry.tier], entry), _with(active, entry)
        return self._indexed(by_id, by_tier, active)


def _is_active(entry: LLMEntry) -> bool:
    return entry.is_active


def _without(found: Ranked, entry: LLMEntry) -> Ranked:
    # A rank ends in the id, so the place it points to holds this entry and no other.
    place = bisect_left(found, rank(entry), key=rank)
    return found[:place] + found[place + 1 :]


def _with(found: Ranked, entry: LLMEntry) -> Ranked:
    place = bisect_left(found, rank(entry), key=rank)
    return (*found[:place], entry, *found[place:])
