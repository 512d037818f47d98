"""OpenAI's responses dialect: token counts, and what tells the end of its streams."""

from collections.abc import Mapping
from typing import Any

from creative_services.core.usage import Usage
from creative_services.wire.counts import count, details


def usage(told: Any, service_tier: Any = None) -> Usage | None:
    """Token counts of an answer."""
    if not isinstance(told, Mapping) or not told:
        return None
    return Usage(
        input_tokens=count(told, "input_tokens"),
        output_tokens=count(told, "output_tokens"),
        cached_tokens=count(details(told, "input_tokens_details"), "cached_tokens"),
        reasoning_tokens=count(details(told, "output_tokens_details"), "reasoning_tokens"),
        service_tier=service_tier if isinstance(service_tier, str) else "",
    )
