"""Bytes on a bare socket, for requests that no client library would send."""

import asyncio
import json
from typing import Any

from tests.server.house import CHAT, KEY, MESSAGES


async def exchanged(port: int, data: bytes, *, timeout: float = 5.0) -> bytes:
    """Everything that comes back until the server closes, or falls silent for half a second after something came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = b""
    try:
        while True:
            piece = await asyncio.wait_for(reader.read(65536), 0.5 if answer else timeout)
            if not piece:
                return answer
            answer += piece
    except (TimeoutError, ConnectionResetError):
        return answer
    finally:
        writer.close()


def request(
    body: bytes | None = None,
    *,
    path: str = CHAT,
    method: str = "POST",
    headers: str = "",
    length: int | None = None,
    **members: Any,
) -> bytes:
    """A request as bytes; ``headers`` are whole lines, and come last."""
    if body is None:
        body = json.dumps({"model": "economy", "messages": MESSAGES, **members}).encode()
    counted = "" if length == -1 else f"content-length: {len(body) if length is None else length}\r\n"
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
    return f"{head}{counted}{headers}\r\n".encode("latin-1") + body


def status_of(answer: bytes) -> int:
    """The status of the first answer."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def document_of(answer: bytes) -> Any:
    """The body of the first answer as JSON."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])
