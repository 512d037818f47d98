"""One line in the log per request: who asked for what, who answered, what it cost. Never what was said."""

from collections.abc import Mapping
from decimal import Decimal
from logging import getLogger
from typing import Any

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.server.visits.visit import Visit

_log = getLogger("creative_services.access")


def log_call(
    visit: Visit,
    status: int,
    seconds: float,
    *,
    error: BaseException | None = None,
    entry: LLMEntry | None = None,
    usage: Usage | None = None,
    cost: Decimal | None = None,
) -> None:
    """Tell of one request that is over."""
    members: dict[str, Any] = {
        "request_id": visit.request_id,
        "surface": visit.surface.name,
        "status": status,
        "seconds": round(seconds, 6),
        "key": visit.key.id if visit.key else "",
        "streamed": visit.streamed,
        "attempts": len(visit.run.attempts) if visit.run else 0,
        **(_entry(entry) if entry else {}),
        **(_usage(usage) if usage else {}),
        **({"cost": f"{cost:f}"} if cost is not None else {}),
        **({"error": type(error).__name__} if error is not None else {}),
    }
    _log.info("%s %s", visit.surface.name, status, extra={"members": members})


def _entry(entry: LLMEntry) -> Mapping[str, Any]:
    return {"llm_id": entry.id, "provider": entry.provider, "model": entry.model, "tier": entry.tier.value}


def _usage(usage: Usage) -> Mapping[str, Any]:
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
