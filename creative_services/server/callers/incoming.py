"""A request's head and body, read with the doubts that bytes from anywhere deserve."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from creative_services.server.callers.problems import Problem

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]

# Vendors take 20 to 32 MB; pictures in base64 fit, whole archives do not.
LARGEST_BODY: Final = 32 * 1024 * 1024

_A_DAY: Final = 86_400.0


class GoneError(Exception):
    """The caller left before its request was complete."""


def key_in(headers: Mapping[bytes, bytes]) -> bytes:
    """The key the caller shows, in OpenAI's header or in Anthropic's; empty when in none."""
    shown = headers.get(b"authorization")
    if shown is not None:
        scheme, _, key = shown.partition(b" ")
        return key.strip() if scheme.lower() == b"bearer" else b""
    return headers.get(b"x-api-key", b"").strip()


def timeout_in(written: bytes) -> float:
    """How long the caller is willing to wait for the whole answer, in seconds."""
    try:
        seconds = float(written)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < _A_DAY:
        raise Problem("shape", "x-llm-timeout is a number of seconds above 0.")
    return seconds


def refuse_media(headers: Mapping[bytes, bytes]) -> None:
    """Only plain JSON is read."""
    media = headers.get(b"content-type")
    if media is not None and media != b"application/json":
        kind = media.partition(b";")[0].strip().lower()
        if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
            raise Problem("media", f"The body must be JSON, with content-type: application/json, not {_shown(kind)}.")
    coding = headers.get(b"content-encoding")
    if coding is not None and coding.strip().lower() not in (b"", b"identity"):
        raise Problem("media", f"The body must not be compressed; content-encoding {_shown(coding)} is not read.")


def _shown(value: bytes) -> str:
    return repr(value[:60].decode("latin-1"))


async def body_in(message: Message, receive: Receive, headers: Mapping[bytes, bytes], largest: int) -> bytes:
    """The whole body, of which ``message`` is the first part, or a refusal as soon as it is clearly too large."""
    told = headers.get(b"content-length")
    if told is not None and told.isdigit() and int(told) > largest:
        raise _too_large(largest)
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise GoneError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise _too_large(largest)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large(largest: int) -> Problem:
    return Problem("large", f"The body is larger than {largest // 1024 // 1024} MiB, the most that is read.")


def document_in(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. orjson refuses what is not UTF-8, and what is nested deeper than 1,024 levels."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem("shape", f"The body is not valid JSON: {error}.") from None
    if not isinstance(document, dict):
        raise Problem("shape", "The body must be a JSON object.")
    return document
