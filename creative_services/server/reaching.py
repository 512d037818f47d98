"""Which way to an entry: its own bytes when it speaks the caller's dialect, a translation when it does not."""

from creative_services.core.llm_registry import LLMEntry
from creative_services.server.doors import Doors
from creative_services.server.flows import Flow
from creative_services.server.relaying import Relay, Whole
from creative_services.server.visits import Visit


class Reaching:
    """Goes there."""

    __slots__ = ("_doors", "_relay")

    def __init__(self, *, doors: Doors, relay: Relay) -> None:
        self._doors = doors
        self._relay = relay

    async def whole(self, visit: Visit, entry: LLMEntry) -> Whole:
        """The whole answer."""
        door = self._doors.of(entry)
        target = door.targets.get(visit.surface.name)
        assert target is not None
        return await self._relay.whole(visit, door, target)

    async def flow(self, visit: Visit, entry: LLMEntry) -> Flow:
        """The answer as it comes."""
        door = self._doors.of(entry)
        target = door.targets.get(visit.surface.name)
        assert target is not None
        return await self._relay.flow(visit, door, target)
