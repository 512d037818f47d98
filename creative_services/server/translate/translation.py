"""A call translated on its way out and on its way back, over the same connections as a relayed one."""

from collections.abc import Callable
from typing import Any

import orjson

from creative_services.core.completions import Completion
from creative_services.core.errors import BadRequestError, CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._refusals import Refusals
from creative_services.providers._translate import translated
from creative_services.server.relay.relaying import Whole, begun, contents, handed_on, refused
from creative_services.server.translate.counting import counted
from creative_services.server.translate.ears import EARS, PLAIN, Ear
from creative_services.server.translate.streams import TranslatedFlow
from creative_services.server.translate.voices import VOICES
from creative_services.server.upstream.doors import Door
from creative_services.server.upstream.leg import Answer, Leg
from creative_services.server.visits.visit import Visit
from creative_services.wire.outbound import Answering


class Translation:
    """Translates between the caller's dialect and the endpoint's."""

    __slots__ = ("_leg", "_refusals", "_time")

    def __init__(self, leg: Leg, *, time: Callable[[], float]) -> None:
        self._leg = leg
        self._time = time
        self._refusals = {dialect: Refusals(ear.musts) for dialect, ear in EARS.items()}

    async def whole(self, visit: Visit, door: Door, ear: Ear) -> Whole:
        """The whole answer."""
        answer = await self._asked(visit, door, ear)
        content = contents(answer, door.entry)
        try:
            completion = ear.completion(orjson.loads(content))
        except Exception as error:  # noqa: BLE001 - whatever the bytes made our reading stumble on
            raise translated(error, door.entry) from None
        return spoken(visit, door.entry, completion, self._time())

    async def flow(self, visit: Visit, door: Door, ear: Ear) -> TranslatedFlow:
        """The answer as it comes; what fails before its first piece is a failed try like any other."""
        answer = await self._asked(visit, door, ear)
        try:
            first = await begun(answer, door.entry)
            writer = VOICES[visit.surface.name].writer(about(visit, door.entry, self._time()))
            assert visit.request is not None
            flow = TranslatedFlow(door.entry, answer, ear.reader(), writer, visit.request.messages)
            await flow.begin(first)
        except BaseException:
            answer.close()
            raise
        return flow

    async def _asked(self, visit: Visit, door: Door, ear: Ear) -> Answer:
        entry, refusals = door.entry, self._refusals[door.dialect or ""]
        assert visit.request is not None
        while True:
            without = refusals.known(entry)
            try:
                body = self._body(visit, door, ear, without)
                answer = await self._leg.ask(
                    door.targets[ear.surface], body, more=handed_on(door, {}), streamed=visit.streamed
                )
            except (OSError, ValueError) as error:
                raise translated(error, entry) from error
            if answer.status < 300:
                return answer
            failure = await refused(answer, entry)
            if not isinstance(failure, BadRequestError):
                raise failure
            if not refusals.learn(failure, entry, visit.request, without):
                raise failure

    def _body(self, visit: Visit, door: Door, ear: Ear, without: frozenset[str]) -> bytes:
        assert visit.request is not None
        # Where money is set aside for the longest answer, the answer must not be longer.
        left_out = without | (PLAIN - {"max_tokens"} if visit.bounded else PLAIN)
        try:
            return orjson.dumps(ear.body(door, visit.request, visit.document, visit.streamed, left_out))
        except CreativeServicesError:
            raise
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise BadRequestError(
                f"the request cannot be put into this model's dialect: {error}", llm=door.entry
            ) from error


def about(visit: Visit, entry: LLMEntry, now: float, model: str = "") -> Answering:
    """Who answers what, and when."""
    return Answering(id=visit.request_id.removeprefix("req_"), model=model or entry.model, created=int(now))


def spoken(visit: Visit, entry: LLMEntry, completion: Completion, now: float) -> Whole:
    """An answer in the caller's dialect."""
    assert visit.request is not None
    completion = counted(completion, visit.request.messages)
    document = VOICES[visit.surface.name].answer(about(visit, entry, now, completion.model), completion)
    return Whole(orjson.dumps(document, default=_plain), completion.usage, len(completion.content))


def _plain(value: Any) -> Any:
    # Arguments of a tool call are a mapping of some kind.
    return dict(value)
