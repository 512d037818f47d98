"""What the next requests are told: one queue for all, and one for each model that has its own."""

from collections import defaultdict, deque

from creative_services.testing.vendors.faults import Fault, fault_of_model
from creative_services.testing.vendors.replies import Reply

Entry = Reply | Fault


class Scripts:
    """Queues of entries; a model's own queue comes first, then its name's ending, then the common queue."""

    def __init__(self) -> None:
        self._common: deque[Entry] = deque()
        self._by_model: defaultdict[str, deque[Entry]] = defaultdict(deque)

    def add(self, *entries: Entry) -> None:
        """Queue entries for whichever requests come next."""
        self._common.extend(entries)

    def add_for(self, model: str, *entries: Entry) -> None:
        """Queue entries for the next requests of one model."""
        self._by_model[model].extend(entries)

    def next(self, model: str) -> Entry | None:
        """The entry a request of this model takes, if any."""
        own = self._by_model.get(model)
        if own:
            return own.popleft()
        if (ending := fault_of_model(model)) is not None:
            return ending
        return self._common.popleft() if self._common else None

    def __len__(self) -> int:
        return len(self._common) + sum(map(len, self._by_model.values()))

    def clear(self) -> None:
        """Drop what was not taken."""
        self._common.clear()
        self._by_model.clear()
