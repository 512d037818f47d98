"""A request in WSGI's words."""

import sys
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from creative_services.server.control.forwarded import HEADERS, Caller

_BLOCK: Final = 64 * 1024
_UNPREFIXED: Final = {"CONTENT_TYPE", "CONTENT_LENGTH"}
_USUAL_PORTS: Final = {"http": "80", "https": "443"}


def environ_of(scope: dict[str, Any], caller: Caller, body: IO[bytes], length: int) -> dict[str, Any]:
    """The environ of a request whose whole body is there."""
    raw = scope.get("raw_path") or scope["path"].encode()
    name, _, port = caller.host.rpartition(":") if caller.host.rpartition(":")[2].isdigit() else (caller.host, "", "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        # WSGI wants the bytes of the path as Latin-1, whatever they mean.
        "PATH_INFO": unquote_to_bytes(raw.partition(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": name or "localhost",
        "SERVER_PORT": port or _USUAL_PORTS[caller.scheme],
        "REMOTE_ADDR": caller.address,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": caller.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _in_large_blocks,
    }
    environ.update(_headers(scope["headers"]))
    # The body as it is, also when it came in chunks and nobody had said how long it would be.
    environ["CONTENT_LENGTH"] = str(length)
    environ["HTTP_HOST"] = caller.host
    return environ


def _headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        # With an underscore a header could pass for another one; what proxies said was understood before.
        if b"_" in raw_name or raw_name in HEADERS or raw_name == b"transfer-encoding":
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        name = name if name in _UNPREFIXED else f"HTTP_{name}"
        value = raw_value.decode("latin-1")
        if name in found:
            value = f"{found[name]}{'; ' if name == 'HTTP_COOKIE' else ','}{value}"
        found[name] = value
    return found


def _in_large_blocks(file: IO[bytes], _: int = 0) -> FileWrapper:
    # Frameworks ask for 4 KiB at a time; each block crosses from a thread to the event loop.
    return FileWrapper(file, _BLOCK)
