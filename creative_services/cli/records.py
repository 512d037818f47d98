"""What ``--json`` prints: nouns as plain data, money as text so that no digit is lost."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from creative_services.catalog.cards import plain
from creative_services.core.completions import Attempt, LLMResponse
from creative_services.core.llm_registry import LLMEntry


def entry_record(llm: LLMEntry) -> dict[str, Any]:
    """Which entry it is."""
    return {"id": llm.id, "name": llm.name, "tier": llm.tier.value, "provider": llm.provider, "model": llm.model}


def error_record(error: BaseException) -> dict[str, Any]:
    """What went wrong."""
    return {"kind": type(error).__name__, "message": str(error)}


def response_record(response: LLMResponse) -> dict[str, Any]:
    """An answer with its account."""
    return {
        "content": response.content,
        "llm": entry_record(response.llm),
        "model": response.model,
        "finish_reason": response.finish_reason,
        "tool_calls": [asdict(call) for call in response.tool_calls],
        "usage": asdict(response.usage) if response.usage else None,
        "cost_usd": amount(response.cost),
        "seconds": round(response.latency, 6),
        "request_id": response.request_id,
    }


def full_record(response: LLMResponse) -> dict[str, Any]:
    """The same with every try."""
    return {**response_record(response), "attempts": [_attempt_record(attempt) for attempt in response.attempts]}


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    return {
        "llm": entry_record(attempt.llm),
        "seconds": round(attempt.seconds, 6),
        "error": error_record(attempt.error) if attempt.error else None,
    }


def amount(value: Decimal | None) -> str | None:
    """Money as text."""
    return None if value is None else plain(value)
