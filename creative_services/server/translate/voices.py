"""How each surface's answers are written: whole, and as a stream."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from creative_services.core.completions import Completion
from creative_services.wire import (
    anthropic_outbound,
    openai_inbound,
    openai_outbound,
    responses_inbound,
    responses_outbound,
)
from creative_services.wire.deltas import Delta
from creative_services.wire.outbound import Answering


class Writer(Protocol):
    """Writes a stream."""

    def open(self) -> bytes:
        """What it begins with."""
        ...

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """What was added."""
        ...

    def close(self, completion: Completion) -> bytes:
        """What it ends with."""
        ...


def _everything(_: Mapping[str, Any]) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A surface's way of answering. ``native_only`` names a field that only an endpoint of the same shape honours."""

    answer: Callable[[Answering, Completion], dict[str, Any]]
    writer: Callable[[Answering], Writer]
    native_only: Callable[[Mapping[str, Any]], str | None] = _everything


VOICES: Final[Mapping[str, Voice]] = {
    "chat": Voice(
        answer=openai_outbound.answer, writer=openai_outbound.ChatWriter, native_only=openai_inbound.native_only
    ),
    "messages": Voice(answer=anthropic_outbound.answer, writer=anthropic_outbound.MessagesWriter),
    "responses": Voice(
        answer=responses_outbound.answer,
        writer=responses_outbound.ResponsesWriter,
        native_only=responses_inbound.native_only,
    ),
}
