"""Which way to an entry: its own bytes if it speaks the caller's dialect, else a translation, else its provider."""

from collections.abc import Awaitable

from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.server.relay.relaying import Relay, Whole
from creative_services.server.translate.ears import EARS, Ear
from creative_services.server.translate.providing import Providing
from creative_services.server.translate.translation import Translation
from creative_services.server.translate.voices import VOICES
from creative_services.server.upstream.doors import Door, Doors
from creative_services.server.visits.flows import Flow
from creative_services.server.visits.visit import Visit


class Reaching:
    """Goes there."""

    __slots__ = ("_doors", "_providing", "_relay", "_translation")

    def __init__(self, *, doors: Doors, relay: Relay, translation: Translation, providing: Providing) -> None:
        self._doors = doors
        self._relay = relay
        self._translation = translation
        self._providing = providing

    def whole(self, visit: Visit, entry: LLMEntry) -> Awaitable[Whole]:
        """The whole answer."""
        door = self._doors.of(entry)
        target = door.targets.get(visit.surface.name)
        if target is not None:
            return self._relay.whole(visit, door, target)
        ear = _ear(visit, door)
        if ear is not None:
            return self._translation.whole(visit, door, ear)
        return self._providing.whole(visit, entry)

    def flow(self, visit: Visit, entry: LLMEntry) -> Awaitable[Flow]:
        """The answer as it comes."""
        door = self._doors.of(entry)
        target = door.targets.get(visit.surface.name)
        if target is not None:
            return self._relay.flow(visit, door, target)
        ear = _ear(visit, door)
        if ear is not None:
            return self._translation.flow(visit, door, ear)
        return self._providing.flow(visit, entry)

    def native_only(self, visit: Visit) -> str | None:
        """The field of the request that only an endpoint of the caller's own dialect honours."""
        voice = VOICES.get(visit.surface.name)
        return voice.native_only(visit.document) if voice else None

    def is_native(self, visit: Visit, entry: LLMEntry) -> bool:
        """Whether the entry's endpoint speaks the caller's dialect."""
        try:
            return visit.surface.name in self._doors.of(entry).targets
        except CreativeServicesError:
            return True  # it cannot be reached at all, and trying it says why


def _ear(visit: Visit, door: Door) -> Ear | None:
    # Vectors are made by endpoints of OpenAI's shape, or by a provider.
    return EARS.get(door.dialect or "") if visit.surface.name in VOICES else None
