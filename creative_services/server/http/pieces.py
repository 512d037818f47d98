"""Small pieces of HTTP: addresses, paths, header lines, and an answer to bytes that are no request."""

from http import HTTPStatus
from typing import Any, Final

from creative_services.server.callers.problems import Problem, body_of, row_for

REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


def refusal(problem: Problem, dialect: str) -> bytes:
    """A whole answer after which the connection ends."""
    status, body = row_for(problem).status, body_of(problem, dialect, "")
    head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status, REASONS.get(status, b""), len(body)) + body


def address_of(name: Any) -> tuple[str, int] | None:
    """A socket's name as ASGI wants it; None for one that is no address."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None


def path_and_query(url: bytes) -> tuple[bytes, bytes]:
    """The two parts of a request's target."""
    if not url.startswith(b"/") and url != b"*":
        # The whole address, as a proxy is asked.
        url = b"/" + url.partition(b"://")[2].partition(b"/")[2]
    path, _, query = url.partition(b"?")
    return path, query


def dialect_of(path: str) -> str:
    """The dialect whose callers ask for this path."""
    return "anthropic" if path.startswith("/v1/messages") else "openai"


_lines: tuple[object, bytes] = ((), b"")


def default_lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Header lines that every answer has. uvicorn makes a new list once a second; until then these stay joined."""
    global _lines
    if _lines[0] is not headers:
        _lines = (headers, b"".join(b"%b: %b\r\n" % header for header in headers))
    return _lines[1]
