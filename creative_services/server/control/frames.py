"""What a worker and the control plane's process say to each other over a socket: one request a connection.

Not HTTP a second time: a frame says what it is and how long it is, so there is nothing to be understood differently.
"""

import json
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from enum import Enum
from struct import Struct
from typing import Any, Final

from creative_services.server.callers.incoming import Scope

_HEAD: Final = Struct(">cI")
_LARGEST: Final = 1024 * 1024
_PLAIN: Final = ("method", "http_version", "scheme", "path", "root_path", "client", "server")


class Kind(bytes, Enum):
    """What a frame is. A connection that ends without ``END`` was cut."""

    HEAD = b"H"
    BODY = b"B"
    END = b"E"


class CutError(Exception):
    """The other side ended without saying so."""


async def read(reader: StreamReader) -> tuple[Kind, bytes]:
    """The next frame."""
    try:
        kind, size = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if size > _LARGEST:
            raise CutError
        return Kind(kind), await reader.readexactly(size)
    except (IncompleteReadError, OSError, ValueError) as error:
        raise CutError from error


async def write(writer: StreamWriter, kind: Kind, payload: bytes = b"") -> None:
    """A frame, or several when it is long; waits while the other side is slow."""
    for start in range(0, max(1, len(payload)), _LARGEST):
        part = payload[start : start + _LARGEST]
        writer.write(_HEAD.pack(kind.value, len(part)) + part)
        await writer.drain()


def request_head(scope: Scope) -> bytes:
    """A request, as far as its head goes."""
    document = {name: scope.get(name) for name in _PLAIN}
    document |= {"query_string": _text(scope["query_string"]), "raw_path": _text(scope.get("raw_path") or b"")}
    return json.dumps({**document, "headers": _pairs(scope["headers"])}).encode()


def scope_of(head: bytes) -> Scope:
    """The request again."""
    document: Scope = json.loads(head)
    raw = {name: document[name].encode("latin-1") for name in ("query_string", "raw_path")}
    return {**document, **raw, "type": "http", "asgi": {"version": "3.0"}, "headers": _unpaired(document["headers"])}


def answer_head(status: int, headers: Any) -> bytes:
    """An answer's head."""
    return json.dumps([status, _pairs(headers)]).encode()


def answer_of(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The answer's head again."""
    status, headers = json.loads(head)
    return status, _unpaired(headers)


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _pairs(headers: Any) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in headers]


def _unpaired(headers: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
