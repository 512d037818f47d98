"""Many entries that differ in little: one is checked, the others are made like it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.secrets import Secret

# Writing the slots themselves: the constructor of a frozen dataclass takes three times as long, then checks it all.
(
    _id, _name, _provider, _model, _tier, _api_key, _api_endpoint, _max_tokens, _temperature, _input, _output,
    _is_active, _capabilities, _context_window, _pricing, _retires_on, _successor, _options,
) = (LLMEntry.__dict__[each.name].__set__ for each in fields(LLMEntry))  # fmt: skip
_new: Final = object.__new__


def alike(
    first: LLMEntry,
    llm_id: int,
    name: str,
    api_key: Secret | None,
    api_endpoint: str | None,
    options: Mapping[str, Any],
) -> LLMEntry:
    """An entry equal to ``first`` but for these five, which are not checked: a database's columns already are."""
    entry = _new(LLMEntry)
    _id(entry, llm_id)
    _name(entry, name)
    _provider(entry, first.provider)
    _model(entry, first.model)
    _tier(entry, first.tier)
    _api_key(entry, api_key)
    _api_endpoint(entry, api_endpoint)
    _max_tokens(entry, first.max_tokens)
    _temperature(entry, first.temperature)
    _input(entry, first.cost_per_1k_input)
    _output(entry, first.cost_per_1k_output)
    _is_active(entry, first.is_active)
    _capabilities(entry, first.capabilities)
    _context_window(entry, first.context_window)
    _pricing(entry, first.pricing)
    _retires_on(entry, first.retires_on)
    _successor(entry, first.successor)
    _options(entry, options)
    return entry
