"""Other ways to say "cheapest" than by input price alone."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from creative_services.core.completions import Request
from creative_services.core.estimates import input_tokens
from creative_services.core.llm_registry import LLMEntry, Rank
from creative_services.core.usage import Usage


class Order(Protocol):
    """Gives each entry a sort key; the registry's own order (input price first) needs none."""

    def key(self, entry: LLMEntry, request: Request | None) -> Rank:
        """Lowest first; must end in the entry's id so that ties are the same everywhere."""
        ...


def _by(price: Decimal | None, entry: LLMEntry) -> Rank:
    return (price is None, price or Decimal(0), False, Decimal(0), entry.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended:
    """By the price of a mix: ``Blended(input=3, output=1)`` for three tokens in to one out."""

    input: int = 3
    output: int = 1

    def key(self, entry: LLMEntry, request: Request | None) -> Rank:
        return _by(entry.cost(Usage(input_tokens=self.input, output_tokens=self.output)), entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """By what *this* request is expected to cost: its length, its ``max_tokens``, the prefix likely to be cached."""

    output_tokens: int | None = None
    cached_tokens: int = 0

    def key(self, entry: LLMEntry, request: Request | None) -> Rank:
        return _by(entry.cost(self._usage(entry, request)), entry)

    def _usage(self, entry: LLMEntry, request: Request | None) -> Usage:
        asked = input_tokens(request.messages) if request else 1000
        allowed = (request.max_tokens if request else None) or entry.max_tokens
        return Usage(
            input_tokens=asked,
            output_tokens=self.output_tokens if self.output_tokens is not None else allowed,
            cached_tokens=min(self.cached_tokens, asked),
        )
