"""What a server tells about itself: alive, ready, its metrics, its version."""

import platform
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from creative_services import __version__
from creative_services.server.callers.heads import JSON, Headers
from creative_services.server.operations.exposition import CONTENT_TYPE, Gauges, exposition
from creative_services.server.operations.tallies import Tallies

Reply = tuple[int, Headers, bytes]
# Each reason not to be ready is a word and a sentence.
Doubts = Callable[[], Mapping[str, str]]


class Operations:
    """Answers by path."""

    __slots__ = ("_doubts", "_gauges", "_table", "_tallies")

    def __init__(self, *, doubts: Doubts, tallies: Callable[[], Tallies], gauges: Callable[[], Gauges]) -> None:
        self._doubts = doubts
        self._tallies = tallies
        self._gauges = gauges
        self._table: Final[Mapping[str, Callable[[], Reply]]] = {
            "/health": self._ready,
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._metrics,
            "/version": self._version,
        }

    def reply(self, path: str) -> Reply | None:
        """The answer; None when the path is none of these."""
        found = self._table.get(path)
        return found() if found else None

    def _live(self) -> Reply:
        return _json(200, {"status": "alive"})

    def _ready(self) -> Reply:
        doubts = self._doubts()
        return _json(503, {"status": "not ready", "why": doubts}) if doubts else _json(200, {"status": "ready"})

    def _metrics(self) -> Reply:
        body = exposition(self._tallies(), self._gauges())
        return 200, [(b"content-type", CONTENT_TYPE)], body

    def _version(self) -> Reply:
        return _json(200, {"name": "creative-services", "version": __version__, "python": platform.python_version()})


def _json(status: int, document: Mapping[str, Any]) -> Reply:
    return status, [JSON, (b"cache-control", b"no-store")], orjson.dumps(document)
