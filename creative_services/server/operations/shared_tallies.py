"""One scrape sees all workers: each leaves its tallies in a file every second, and whoever is asked adds them up."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from creative_services.server.operations.tallies import Tallies

_SUFFIX: Final = ".tallies"
# A file not renewed for so long is a dead worker's: its counts stay, what it had under way is gone.
_FRESH_SECONDS: Final = 5.0


class SharedTallies:
    """A directory of tallies. A killed worker loses the counts of its last second, never those before."""

    __slots__ = ("_directory", "_mine")

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._mine = directory / f"{os.getpid()}-{time.time_ns():x}{_SUFFIX}"

    def leave(self, tallies: Tallies, under_way: int) -> None:
        """Let the others see these."""
        unfinished = self._mine.with_suffix(".new")
        unfinished.write_bytes(orjson.dumps({**tallies.plain(), "under_way": under_way, "at": time.time()}))
        unfinished.rename(self._mine)

    def others(self) -> tuple[list[Tallies], int]:
        """What the other workers left, and how many calls those among them that live have under way."""
        tallies, under_way = [], 0
        for left in self._read():
            tallies.append(Tallies.of(left))
            if time.time() - left["at"] < _FRESH_SECONDS:
                under_way += left["under_way"]
        return tallies, under_way

    def _read(self) -> Iterator[dict[str, Any]]:
        for path in self._directory.glob(f"*{_SUFFIX}"):
            if path != self._mine:
                yield orjson.loads(path.read_bytes())


def forget(directory: Path) -> None:
    """Begin anew, before the first worker: counters start at 0 with a server, which Prometheus understands."""
    for path in directory.glob(f"*{_SUFFIX}"):
        path.unlink()
