"""Finished answers kept for callers who ask again with the same Idempotency-Key: one call, one charge, one answer.

Kept in files, so that all workers of a machine know them and none of them holds them in memory.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from creative_services.server.callers.problems import Problem
from creative_services.server.visits.visit import Visit
from creative_services.telemetry.spool.spool import locked

KEPT_SECONDS: Final = 24 * 3600
# An answer larger than this is not kept: asking again is then a new call.
LARGEST: Final = 8 * 1024 * 1024
LONGEST_KEY: Final = 255
_DONE: Final = ".answer"
_CLAIM: Final = ".claim"


class Replay(NamedTuple):
    """A finished answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Replays:
    """A directory of answers."""

    __slots__ = ("_directory",)

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory

    def _path(self, visit: Visit, given: bytes) -> Path:
        # Another key's answers must never be found, whatever this caller writes.
        owner = visit.key.account if visit.key else ""
        name = sha256(b"\0".join((owner.encode(), visit.surface.name.encode(), given))).hexdigest()
        return self._directory / name

    def find(self, visit: Visit, given: bytes) -> Replay | None:
        """The answer to the same request with the same key, if it is finished."""
        try:
            kept = self._path(visit, given).with_suffix(_DONE).read_bytes()
        except FileNotFoundError:
            return None
        told, _, body = kept.partition(b"\n")
        head = orjson.loads(told)
        if head["request"] != sha256(visit.body).hexdigest():
            raise Problem("reused", "This Idempotency-Key came with another request before. Use a new key.")
        return Replay(head["status"], [(name.encode(), value.encode()) for name, value in head["headers"]], body)

    @contextmanager
    def claimed(self, visit: Visit, given: bytes) -> Iterator[None]:
        """While this lasts no other worker answers the same; one that died holds nothing."""
        path = self._path(visit, given).with_suffix(_CLAIM)
        try:
            lock = locked(path)
        except BlockingIOError:
            words = "A request with this Idempotency-Key is under way. Wait for its answer, or ask again later."
            raise Problem("conflict", words, retry_after=1.0) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            lock.close()

    def keep(self, visit: Visit, given: bytes, recorded: "Recorder") -> None:
        """From now on this is the answer."""
        head: Mapping[str, Any] = {
            "request": sha256(visit.body).hexdigest(),
            "status": recorded.status,
            "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in recorded.headers],
        }
        path = self._path(visit, given)
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(orjson.dumps(head) + b"\n" + b"".join(recorded.parts))
        unfinished.rename(path.with_suffix(_DONE))

    def forget_old(self) -> None:
        """Remove what is older than a day."""
        oldest = time.time() - KEPT_SECONDS
        for entry in os.scandir(self._directory):
            if entry.stat().st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)


class Recorder:
    """Sends an answer and remembers it."""

    __slots__ = ("_send", "headers", "parts", "size", "status")

    def __init__(self, visit: Visit) -> None:
        self._send = visit.send
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.size = 0

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif self.size <= LARGEST:
            body = message.get("body", b"")
            self.size += len(body)
            self.parts.append(body)
        await self._send(message)


def idempotency_key(visit: Visit) -> bytes | None:
    """What the caller calls this request, if it has a name for it."""
    given = visit.headers.get(b"idempotency-key")
    if given is None:
        return None
    if not 0 < len(given) <= LONGEST_KEY:
        raise Problem("shape", f"An Idempotency-Key has 1 to {LONGEST_KEY} characters.")
    return given
