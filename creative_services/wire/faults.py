"""What a vendor says when it says no, and what we say when its bytes make no sense."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A vendor's error in its own words."""

    message: str
    code: str | None = None
    param: str | None = None
    status: int | None = None


class FaultError(Exception):
    """A stream carried an error instead of a piece."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class WrongShapeError(ValueError):
    """Valid bytes that are no answer of this dialect."""


def fault_in(body: Any) -> Fault | None:
    """The error in an answer's body; every vendor's spelling of it. None when there is none."""
    if not isinstance(body, Mapping):
        return None
    told = body.get("error")
    if isinstance(told, str) and told:  # Ollama
        return Fault(message=told, code=_text(body.get("code")))
    if isinstance(told, Mapping):  # OpenAI, Anthropic, Groq and nearly everybody else
        return _from_object(told)
    plain = body.get("message") or body.get("detail")  # Mistral, servers built on FastAPI
    if plain and isinstance(plain, str | list) and "choices" not in body:
        return Fault(message=str(plain), code=_text(body.get("code")) or _text(body.get("type")))
    return None


def _from_object(told: Mapping[str, Any]) -> Fault:
    code, kind = told.get("code"), _text(told.get("type"))
    # OpenRouter puts the HTTP status where others put the code.
    status = code if isinstance(code, int) and 100 <= code < 600 else None
    return Fault(
        message=_text(told.get("message")) or kind or "an error without a message",
        code=(_text(code) if status is None else None) or kind,
        param=_text(told.get("param")),
        status=status,
    )


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
