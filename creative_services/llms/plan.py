"""From a wish to entries: who may answer, in which order, and why the others may not."""

from collections.abc import Iterable, Iterator

from creative_services.core.completions import Request
from creative_services.core.errors import NoEntryError
from creative_services.core.llm_registry import LLMEntry, LLMRegistry, LLMTier
from creative_services.core.locality import leaves_home
from creative_services.core.wishes import Explanation, Verdict, Wish
from creative_services.llms import lookup
from creative_services.llms.health import Health


class Plan:
    """The candidates of one wish. ``options()`` looks only as far as it is asked, so a long tier costs nothing."""

    __slots__ = ("_health", "candidates", "wish")

    def __init__(self, wish: Wish, candidates: tuple[LLMEntry, ...], health: Health) -> None:
        self.wish = wish
        self.candidates = candidates
        self._health = health

    def options(self) -> Iterator[LLMEntry]:
        """Entries to ask, best first. When all of them rest, the one whose rest ends first is asked all the same."""
        resting: list[LLMEntry] = []
        asked = False
        for entry in self.candidates:
            if ruled_out(entry, self.wish):
                continue
            if self._health.admits(entry):
                asked = True
                yield entry
            else:
                resting.append(entry)
        if resting and not asked:
            yield min(resting, key=self._health.rest_of)

    def verdicts(self) -> Iterator[Verdict]:
        """Every candidate with the reason it wins or loses."""
        places = {entry.id: place for place, entry in enumerate(self.options(), start=1)}
        first: LLMEntry | None = None
        for entry in sorted(self.candidates, key=lambda e: (e.id not in places, places.get(e.id, 0))):
            place = places.get(entry.id)
            yield Verdict(llm=entry, place=place, reason=self._reason(entry, place, first))
            first = first or entry

    def _reason(self, entry: LLMEntry, place: int | None, first: LLMEntry | None) -> str:
        if why := ruled_out(entry, self.wish):
            return why
        if not self._health.admits(entry):
            return f"rests for {self._health.rest_of(entry):.1f} s after failures"
        if place == 1 or first is None:
            return f"wins at {price_of(entry)}"
        if entry.tier is not first.tier:
            return f"tier {entry.tier} only answers when the tiers before it cannot"
        return f"{price_of(entry)}, after entry {first.id}"


def price_of(entry: LLMEntry) -> str:
    """The entry's prices in words."""
    if entry.cost_per_1k_input is None or entry.cost_per_1k_output is None:
        return "an unknown price"
    return f"{entry.cost_per_1k_input:f}/{entry.cost_per_1k_output:f} USD per 1k in/out"


def ruled_out(entry: LLMEntry, wish: Wish) -> str | None:
    """Why the entry may not answer the wish at all; None when it may."""
    if not entry.is_active:
        return "is switched off"
    if entry.tier is LLMTier.LOCAL and (why := leaves_home(entry)):
        return why
    return wish.unmet_by(entry)


def plan_at_once(registry: LLMRegistry, wish: Wish, health: Health) -> Plan | None:
    """The plan of nearly every call: one tier, of a registry that ranks its entries. None when it takes more."""
    ranks = getattr(registry, "candidates", None)
    if ranks is None or wish.tier is None or wish.fallback_tiers or wish.order is not None:
        return None
    return Plan(wish, ranks(wish.tier), health)


async def make_plan(registry: LLMRegistry, wish: Wish, health: Health, request: Request | None) -> Plan:
    """Look up the wish's candidates, in order."""
    if wish.llm_id is not None:
        entry = await lookup.entry_by_id(registry, wish.llm_id)
        return Plan(wish, (entry,) if entry else (), health)
    if wish.name is not None:
        return Plan(wish, await lookup.entries_named(registry, wish.name), health)
    found: tuple[LLMEntry, ...] = ()
    for tier in wish.tiers:
        found += await _in_order(registry, tier, wish, request)
    return Plan(wish, found, health)


async def _in_order(registry: LLMRegistry, tier: LLMTier, wish: Wish, request: Request | None) -> tuple[LLMEntry, ...]:
    found = await lookup.candidates(registry, tier)
    if (order := wish.order) is None:
        return found
    return tuple(sorted(found, key=lambda entry: order.key(entry, request)))


async def no_entry(registry: LLMRegistry, plan: Plan) -> NoEntryError:
    """The error for a plan without options: what was wished, why each candidate lost, what exists."""
    verdicts = list(plan.verdicts())
    exists = await lookup.active_entries(registry)
    if verdicts:
        lost = "; ".join(f"{verdict.llm} {verdict.reason}" for verdict in verdicts[:8])
        return NoEntryError(f"No entry answers {plan.wish}: {lost}. {_advice(exists)}")
    if plan.wish.llm_id is not None:
        return NoEntryError(f"There is no entry with id {plan.wish.llm_id}. {_advice(exists)}")
    if plan.wish.name is not None:
        return NoEntryError(f"No active entry is called {plan.wish.name!r} or has such a model. {_advice(exists)}")
    tiers = " or ".join(str(tier) for tier in plan.wish.tiers)
    return NoEntryError(f"Tier {tiers} has no active entry. {_advice(exists)}")


def _advice(exists: Iterable[LLMEntry]) -> str:
    known = [f"{entry.id} '{entry.name}' ({entry.tier})" for entry in exists]
    if not known:
        return "The registry has no active entry at all: set a key such as OPENAI_API_KEY, or add an entry."
    more = f" and {len(known) - 12} more" if len(known) > 12 else ""
    return f"Active entries: {', '.join(known[:12])}{more}."


async def explain(registry: LLMRegistry, wish: Wish, health: Health) -> Explanation:
    """The plan for people, with the entries that are switched off."""
    plan = await make_plan(registry, wish, health, None)
    whole = Plan(wish, (*plan.candidates, *lookup.switched_off(registry, wish.tiers)), health)
    return Explanation(wish=wish, verdicts=tuple(whole.verdicts()))
