"""Whose records are alive: by the store that forgets them in time or, where none does, by their signs of life."""

from collections.abc import Mapping
from typing import Final

from creative_services.core.clock import Clock
from creative_services.core.leases import Sighting, sighted
from creative_services.replicas.records import Record, decoded

# How long the original's readers wait for a sign of life of the original's servers, which give one every two minutes.
ORIGINALS_PATIENCE: Final = 200.0


class Presence:
    """Reads records, and believes in those that show signs of life.

    A record with a lease of its own that the store guards is alive while it is there. Any other must change: it is seen
    alive by our own clock for as long as its writer promised to need between two heartbeats. Only on its first
    sight is the time written in it believed, since there is nothing else to go by.
    """

    def __init__(self, clock: Clock, *, store_expires: bool) -> None:
        self._clock = clock
        self._store_expires = store_expires
        self._seen: dict[str, tuple[bytes, Record | None]] = {}
        self._signs: dict[str, Sighting] = {}

    def living(self, values: Mapping[str, bytes]) -> list[Record]:
        """The records of servers that are there. They are shared with later readings: copy before you change one."""
        seen, now = self._seen, self._clock.now()
        # A record that did not change is not read again: with a thousand servers that is most of the work.
        self._seen = {
            key: known if (known := seen.get(key)) and known[0] == raw else (raw, decoded(raw))
            for key, raw in values.items()
        }
        for key in self._signs.keys() - values.keys():
            del self._signs[key]
        return [
            record for key, (_, record) in self._seen.items() if record is not None and self._alive(key, record, now)
        ]

    def _alive(self, key: str, record: Record, now: float) -> bool:
        lease = record.get("lease")
        if lease is not None and self._store_expires:
            return True
        patience = float(lease) if isinstance(lease, int | float) else ORIGINALS_PATIENCE
        sign, before = record.get("last_heartbeat"), self._signs.get(key)
        if before is None and self._old(sign, patience):
            # Remembered as silent for ever, until it changes.
            self._signs[key] = Sighting(sign=sign, since=-float("inf"))
            return False
        self._signs[key] = seen = sighted(before, sign, now)
        return seen.silent(now) < patience

    def _old(self, sign: object, patience: float) -> bool:
        if not isinstance(sign, int | float):
            return True
        return self._clock.utcnow().timestamp() - sign >= patience
