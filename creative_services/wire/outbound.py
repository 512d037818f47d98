"""What every dialect of ours needs to answer: who answers what, and when; and events as bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from creative_services.core.completions import Completion
from creative_services.wire.deltas import ArgumentsDelta, CallBegun, Delta


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """One answer: its id without a dialect's prefix, the model it is given under, and the second it was begun."""

    id: str
    model: str
    created: int


def call_at(completion: Completion, place: int) -> tuple[Delta, Delta]:
    """One call of a whole answer, as a stream tells it."""
    call = completion.tool_calls[place]
    return CallBegun(place, call.id, call.name), ArgumentsDelta(place, call.arguments_text or "{}")


def event(document: Mapping[str, Any], name: str = "") -> bytes:
    """One server-sent event."""
    data = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return f"event: {name}\ndata: {data}\n\n".encode() if name else f"data: {data}\n\n".encode()
