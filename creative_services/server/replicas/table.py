"""Who can be asked for what, in this process's memory: what ``/route`` looks things up in."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from random import random
from typing import Any, Final
from urllib.parse import parse_qsl

from creative_services.core.capabilities import CapabilityIndex, Wish
from creative_services.core.replicas import Replica
from creative_services.replicas.registrations import told

# Query strings remembered as read: the same few come over and over.
_MOST_QUERIES: Final = 1024
_LONGEST_QUERY: Final = 4096
_MOST_CONDITIONS: Final = 100
_DRAWS: Final = 16

# (what happened, to whom, what was known of it before)
Listener = Callable[[str, Replica, Replica | None], None]


@dataclass(frozen=True, slots=True)
class Query:
    """A query string as read: the conditions, and whom not to name."""

    wish: Wish
    exclude: frozenset[str]


class Table:
    """Registrations by id, and an index of what they can do. Of two with one id the newer counts."""

    __slots__ = ("_answers", "_chance", "_heaviest", "_index", "_known", "_listeners", "_queries", "highest")

    def __init__(self, chance: Callable[[], float] = random) -> None:
        self._chance = chance
        self._known: dict[str, Replica] = {}
        self._index = CapabilityIndex()
        self._answers: dict[str, bytes] = {}
        self._heaviest = 1.0
        self._queries: dict[bytes, Query] = {}
        self._listeners: list[Listener] = []
        self.highest = 0

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._known.values())

    def get(self, replica_id: str) -> Replica | None:
        """The registration of this id."""
        return self._known.get(replica_id)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` what changes, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def put(self, replica: Replica) -> bool:
        """Enter a registration, unless a newer one of its id is there."""
        before = self._known.get(replica.id)
        if before == replica or (before and replica.precedes(before)):
            return False
        self._known[replica.id] = replica
        if before is not None and before.differs_by_figures(replica):
            return True  # of which nobody needs to hear: dashboards look now and then
        # Of all tokens ever seen: one that was given out is never given out again, also when its replica is gone.
        self.highest = max(self.highest, replica.token)
        answer = {"endpoint": replica.endpoint, "replica_id": replica.id}
        self._answers[replica.id] = json.dumps(answer, separators=(",", ":")).encode()
        if replica.draining:
            self._index.drop(replica.id)
        else:
            self._index.put(replica.id, replica.capabilities)
        # Never lowered: a weight that has gone costs a few more draws and nothing else.
        self._heaviest = max(self._heaviest, replica.weight)
        self._tell(_event(before, replica), replica, before)
        return True

    def drop(self, replica_id: str, token: int | None = None) -> bool:
        """Take a registration out; one of another ``token`` stays, because its replica came back meanwhile."""
        known = self._known.get(replica_id)
        if known is None or (token is not None and known.token != token):
            return False
        del self._known[replica_id], self._answers[replica_id]
        self._index.drop(replica_id)
        self._tell("gone", known, known)
        return True

    def route(self, query_string: bytes) -> bytes | None:
        """The answer to ``/route?query_string``; None when nobody matches."""
        query = self._queries.get(query_string)
        if query is None:
            query = self._read(query_string)
        names = self._index.find(query.wish).names
        chosen = self._drawn(names, query.exclude) if names else None
        return None if chosen is None else self._answers[chosen]

    def choose(self, wish: Wish, exclude: Collection[str] = ()) -> Replica | None:
        """A replica that satisfies the wish, by weight and chance."""
        names = self._index.find(wish).names
        chosen = self._drawn(names, exclude) if names else None
        return None if chosen is None else self._known[chosen]

    def _drawn(self, names: list[str], exclude: Collection[str]) -> str | None:
        if self._heaviest == 1.0 and not exclude:
            light = names[int(self._chance() * len(names))]
            if self._known[light].weight == 1.0:
                return light
        for _ in range(_DRAWS):
            name = names[int(self._chance() * len(names))]
            if name not in exclude and self._chance() * self._heaviest < self._known[name].weight:
                return name
        left = [name for name in names if name not in exclude]
        return left[int(self._chance() * len(left))] if left else None

    def _read(self, query_string: bytes) -> Query:
        text = query_string[:_LONGEST_QUERY].decode("latin-1")
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MOST_CONDITIONS)
        names = (name for key, value in pairs if key == "exclude" for name in value.split(","))
        query = Query(tuple(sorted({pair for pair in pairs if pair[0] != "exclude"})), frozenset(names))
        if len(self._queries) >= _MOST_QUERIES:
            self._queries.clear()
        self._queries[query_string] = query
        return query

    def _tell(self, event: str, replica: Replica, before: Replica | None) -> None:
        for listener in self._listeners:
            listener(event, replica, before)


def _event(before: Replica | None, after: Replica) -> str:
    if before is None or before.token != after.token:
        return "registered"
    if before.draining != after.draining:
        return "draining" if after.draining else "active"
    return "changed"


def listed(table: Table, tell: Callable[[Replica], dict[str, Any]] = told) -> dict[str, Any]:
    """Everyone, as ``/registry`` tells it."""
    return {"replicas": [tell(replica) for replica in table]}
