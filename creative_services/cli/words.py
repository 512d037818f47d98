"""Prices, tokens and seconds as people read them."""

from decimal import Decimal
from typing import Final

from creative_services.catalog.cards import plain
from creative_services.core.completions import LLMResponse
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage

UNKNOWN: Final = "?"


def per_thousand(price: Decimal | None) -> str:
    """USD per 1,000 tokens."""
    return UNKNOWN if price is None else plain(price)


def per_million(price: Decimal | None) -> str:
    """USD per 1,000,000 tokens, with at least two places as on a price list."""
    if price is None:
        return UNKNOWN
    whole, _, cents = plain(price * 1000).partition(".")
    return f"{whole}.{cents.ljust(2, '0')}"


def usd(cost: Decimal | None) -> str:
    """A cost to its last digit."""
    return "unknown cost" if cost is None else f"{plain(cost)} USD"


def tokens(usage: Usage | None) -> str:
    """In and out."""
    if usage is None:
        return "unknown tokens"
    cached = f" ({usage.cached_tokens} cached)" if usage.cached_tokens else ""
    return f"{'about ' if usage.estimated else ''}{usage.input_tokens}{cached} + {usage.output_tokens} tokens"


def seconds(length: float) -> str:
    """A duration."""
    return f"{length:.2f} s"


def entry_line(llm: LLMEntry) -> str:
    """An entry in one line."""
    return f"{llm.name} ({llm.provider}/{llm.model})"


def account(response: LLMResponse) -> str:
    """Who answered, what it used and cost, how long it took, and who failed before."""
    failed = sum(attempt.error is not None for attempt in response.attempts)
    before = f", after {failed} failed attempt{'s' if failed > 1 else ''}" if failed else ""
    figures = f"{tokens(response.usage)}, {usd(response.cost)}, {seconds(response.latency)}"
    return f"{entry_line(response.llm)}: {figures}{before}"
