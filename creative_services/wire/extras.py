"""Fields of a vendor's dialect that we have no noun for."""

from typing import Any, Final

from creative_services.core.completions import Request
from creative_services.core.llm_registry import LLMEntry

# Options of an entry that concern the connection and not the request's body.
CONNECTION: Final = frozenset({"headers", "organization", "project"})


def extended(told: dict[str, Any], entry: LLMEntry, request: Request) -> dict[str, Any]:
    """The body with the entry's own options and then the caller's extras, both untouched; the later wins."""
    if entry.options:
        told.update({key: value for key, value in entry.options.items() if key not in CONNECTION})
    if request.extra:
        told.update(request.extra)
    return told
