"""What a caller asks for, and the verdict on each entry that could answer."""

from dataclasses import dataclass

from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.needs import NO_NEEDS, Needs
from creative_services.core.orders import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A tier, one entry's id, or a name; what the model must be able to do; in which order to prefer them.

    ``name`` is what an entry is called, or what its vendor calls its model: several entries may have it.

    ``needs`` is the caller's word and strict. ``implied`` is what the request shows (it carries tools, or an
    image): it rules out only entries that declare their capabilities, since silence is no denial.
    """

    tier: LLMTier | None = None
    llm_id: int | None = None
    name: str | None = None
    needs: Needs = NO_NEEDS
    implied: Needs = NO_NEEDS
    fallback_tiers: tuple[LLMTier, ...] = ()
    order: Order | None = None

    @property
    def tiers(self) -> tuple[LLMTier, ...]:
        """The tiers that may answer, in turn."""
        return (self.tier, *self.fallback_tiers) if self.tier else ()

    def unmet_by(self, entry: LLMEntry) -> str | None:
        """Why ``entry`` cannot serve, in a few words; None when it can."""
        return self.needs.unmet_by(entry) or (self.implied.unmet_by(entry) if entry.capabilities else None)

    def __str__(self) -> str:
        if self.name is not None:
            return f"model {self.name!r}"
        return f"llm_id={self.llm_id}" if self.llm_id is not None else f"tier {self.tier}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an entry would be asked, at which place, and why or why not."""

    llm: LLMEntry
    place: int | None
    reason: str

    @property
    def wins(self) -> bool:
        """Whether this entry is the one that would be asked first."""
        return self.place == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Every candidate of a wish with its verdict: the winner first, then the runners-up, then those ruled out."""

    wish: Wish
    verdicts: tuple[Verdict, ...]

    @property
    def winner(self) -> LLMEntry | None:
        """The entry that would be asked first, or None."""
        return next((verdict.llm for verdict in self.verdicts if verdict.wins), None)

    def __str__(self) -> str:
        lines = [f"{v.place or '-':>3}  {v.llm}: {v.reason}" for v in self.verdicts]
        return "\n".join([f"{self.wish}:", *(lines or ["  no entry at all"])])
