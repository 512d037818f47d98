"""A tier, an entry of it, and the registry that knows the entries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from creative_services.core.errors import ConfigurationError
from creative_services.core.pricing import UNPRICED, Pricing, money
from creative_services.core.secrets import Secret, secret
from creative_services.core.usage import Usage


class LLMTier(str, Enum):  # noqa: UP042 - the documented bases
    """What a caller asks for instead of a model's name."""

    ECONOMY = "economy"
    STANDARD = "standard"
    PREMIUM = "premium"
    LOCAL = "local"

    # Enum's own hash runs in Python at every dictionary look-up; the string's is cached in C.
    __hash__ = str.__hash__

    def __str__(self) -> str:
        return self.value

    @classmethod
    def _missing_(cls, value: object) -> "LLMTier":
        wanted = value.strip().lower() if isinstance(value, str) else value
        for tier in cls:
            if tier.value == wanted:
                return tier
        raise ConfigurationError(f"There is no tier {value!r}. Tiers: {', '.join(cls)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMEntry:
    """One model of one vendor, with its tier, its price and the way to reach it."""

    id: int
    name: str
    provider: str
    model: str
    tier: LLMTier
    api_key: Secret | None = field(default=None, repr=False)
    api_endpoint: str | None = None
    max_tokens: int = 4096
    temperature: float | None = 0.7
    cost_per_1k_input: Decimal | None = None
    cost_per_1k_output: Decimal | None = None
    is_active: bool = True
    capabilities: frozenset[str] = frozenset()
    context_window: int | None = None
    pricing: Pricing = field(default=UNPRICED, repr=False)
    retires_on: date | None = None
    successor: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    if TYPE_CHECKING:
        # What may be written is wider than what is read: plain strings and numbers become the nouns above.
        def __init__(
            self,
            *,
            id: int,  # noqa: A002 - the documented field name
            name: str,
            provider: str,
            model: str,
            tier: LLMTier | str,
            api_key: Secret | str | None = None,
            api_endpoint: str | None = None,
            max_tokens: int = 4096,
            temperature: float | None = 0.7,
            cost_per_1k_input: Decimal | float | str | None = None,
            cost_per_1k_output: Decimal | float | str | None = None,
            is_active: bool = True,
            capabilities: Iterable[str] = (),
            context_window: int | None = None,
            pricing: Pricing = ...,
            retires_on: date | None = None,
            successor: str | None = None,
            options: Mapping[str, Any] = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        # Written once per entry, so that a call only multiplies: text becomes the noun, prices become one card.
        card = self.pricing
        try:
            price_in = _first(money(self.cost_per_1k_input), card.rates.input)
            price_out = _first(money(self.cost_per_1k_output), card.rates.output)
            self._settle("tier", LLMTier, LLMTier)
            self._settle("api_key", Secret, secret)
            _refuse_misfits(self)
        except (ConfigurationError, TypeError) as error:
            raise ConfigurationError(f"{self}: {error}") from None
        self._settle("capabilities", frozenset, frozenset)
        object.__setattr__(self, "cost_per_1k_input", price_in)
        object.__setattr__(self, "cost_per_1k_output", price_out)
        if price_in is not card.rates.input or price_out is not card.rates.output:
            object.__setattr__(self, "pricing", card.with_base(input=price_in, output=price_out))

    def _settle(self, name: str, noun: type, made: Callable[[Any], Any]) -> None:
        # Registries build entries by the ten thousand from values that already are what they should be.
        value = getattr(self, name)
        if type(value) is not noun:
            object.__setattr__(self, name, made(value))

    def cost(self, usage: Usage) -> Decimal | None:
        """What ``usage`` costs on this entry in USD; None when its price is not known."""
        return self.pricing.cost(usage)

    def retired(self, today: date) -> bool:
        """Whether the vendor has switched this model off by ``today``."""
        return self.retires_on is not None and self.retires_on <= today

    def using(self, **changes: Any) -> "LLMEntry":
        """A copy with these fields changed."""
        if changes.keys() & {"cost_per_1k_input", "cost_per_1k_output"} and "pricing" not in changes:
            changes["pricing"] = Pricing()
        return replace(self, **changes)

    def __hash__(self) -> int:
        # The generated one would hash every field, and a mapping among them has no hash.
        return hash((self.id, self.provider, self.model))

    def __str__(self) -> str:
        return f"entry {self.id} '{self.name}' ({self.provider} {self.model})"


def _refuse_misfits(entry: LLMEntry) -> None:
    """What would only be noticed at the first call, or never."""
    if not isinstance(entry.id, int):
        raise ConfigurationError(f"id={entry.id!r} is no whole number.")
    if not (isinstance(entry.model, str) and entry.model and isinstance(entry.provider, str) and entry.provider):
        raise ConfigurationError("provider and model must both be named.")
    if not isinstance(entry.max_tokens, int) or entry.max_tokens < 1:
        raise ConfigurationError(f"max_tokens={entry.max_tokens!r} is no whole number above 0.")
    written: Any = entry.capabilities
    if isinstance(written, str):
        raise ConfigurationError(f"capabilities={written!r} is one text; give a set such as {{'tools'}}.")
    if entry.retires_on is not None and not isinstance(entry.retires_on, date):
        raise ConfigurationError(f"retires_on={entry.retires_on!r} is no date; give datetime.date(2027, 1, 14).")


def _first(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one


@runtime_checkable
class LLMRegistry(Protocol):
    """Where entries are looked up. A plain class with these three methods is a registry."""

    def get_by_id(self, llm_id: int) -> LLMEntry | None:
        """The entry with this id, or None."""
        ...

    def get_by_tier(self, tier: LLMTier) -> LLMEntry | None:
        """The cheapest active entry of the tier, or None."""
        ...

    def list_active(self) -> list[LLMEntry]:
        """Every active entry."""
        ...


@runtime_checkable
class RanksCandidates(Protocol):
    """An optional power of a registry: all active entries of a tier in selection order, without a scan."""

    def candidates(self, tier: LLMTier) -> tuple[LLMEntry, ...]:
        """Cheapest first."""
        ...


@runtime_checkable
class GuardsCalls(Protocol):
    """An optional power of a registry: a last word before an entry is called: the world moves on after an edit."""

    async def before_call(self, entry: LLMEntry) -> None:
        """Raise a ``CreativeServicesError`` when the entry may not be called now."""
        ...


_FREE: Final = Decimal(0)
Rank = tuple[bool, Decimal, bool, Decimal, int]


def rank(entry: LLMEntry) -> Rank:
    """Cheapest input first, then cheapest output, then lowest id; an unknown price comes after every known one."""
    price_in, price_out = entry.cost_per_1k_input, entry.cost_per_1k_output
    return (price_in is None, price_in or _FREE, price_out is None, price_out or _FREE, entry.id)


def ranked(entries: Iterable[LLMEntry], tier: LLMTier) -> tuple[LLMEntry, ...]:
    """The active entries of ``tier`` in selection order."""
    return tuple(sorted((e for e in entries if e.tier is tier and e.is_active), key=rank))


def cheapest(entries: Iterable[LLMEntry], tier: LLMTier) -> LLMEntry | None:
    """The documented rule in one line: filter, sort by cost, take the first."""
    return next(iter(ranked(entries, tier)), None)
