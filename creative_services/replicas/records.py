"""A server's record as it is kept, in the shape the original registry reads and writes."""

import json
from collections.abc import Mapping
from typing import Any, Final

from creative_services.core.errors import ConfigurationError

PREFIX: Final = "server_"
# Without these nobody could ask the server; what else is missing is filled in.
_NEEDED: Final = ("server_id", "uri")

Record = dict[str, Any]


def key_of(server_id: str) -> str:
    """The key a server's record is kept under."""
    return PREFIX + server_id


def uri_of(url: str, port: int | None) -> str:
    """Where a server answers; the port may be in the URL already."""
    told = url.strip().rstrip("/")
    whole = told if "://" in told else f"http://{told}"
    return whole if port is None else f"{whole}:{port}"


def placed(first: str | int, second: Any, metadata: Mapping[str, Any] | None) -> tuple[str | None, int | None, Record]:
    """(url, port, metadata) of both ways to call: ``(8000, {...})`` and ``("http://host", 8000, {...})``."""
    if isinstance(first, int):
        if isinstance(second, Mapping) and metadata is None:
            return None, checked_port(first), dict(second)
        if second is None:
            return None, checked_port(first), dict(metadata or {})
    elif isinstance(first, str) and first.strip() and (second is None or isinstance(second, int)):
        return first, None if second is None else checked_port(second), dict(metadata or {})
    raise ConfigurationError(
        f"register_server({first!r}, {second!r}, ...) names no server. "
        'Write register_server(8000, {...}) or register_server("http://host", 8000, {...}).'
    )


def checked_port(port: int) -> int:
    """A port that is one."""
    if isinstance(port, bool) or not 0 < port < 65536:
        raise ConfigurationError(f"{port!r} is no port: write a number from 1 to 65535.")
    return port


def encoded(record: Mapping[str, Any]) -> bytes:
    """What is written."""
    try:
        return json.dumps(record).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"The metadata and data of a server must be JSON: {error}.") from error


def decoded(raw: bytes) -> Record | None:
    """The record in ``raw``; None for what is no record: somebody else's key, or a damaged one."""
    try:
        record = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in _NEEDED):
        return None
    if not isinstance(record.setdefault("metadata", {}), dict):
        return None
    record.setdefault("status", "active")
    return record
