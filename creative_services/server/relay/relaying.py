"""Answers from an endpoint that speaks the caller's own dialect: bytes through, and a look at what they cost."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from creative_services.core.errors import BadRequestError, MalformedAnswerError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.providers._refusals import Refusals
from creative_services.providers._translate import of_fault, refusal, translated
from creative_services.server.callers.surfaces import Surface
from creative_services.server.relay.splice import with_members, with_model
from creative_services.server.upstream.doors import Door
from creative_services.server.upstream.leg import Answer, Leg
from creative_services.server.upstream.origins import Target
from creative_services.server.visits.flows import RelayedFlow
from creative_services.server.visits.visit import Visit
from creative_services.wire.faults import fault_in
from creative_services.wire.openai_chat import OTHER_WORD

_USAGE_ASKED: Final = "stream_options"
# What comes before the first word is a few hundred bytes; a stream of some other kind is not held back for long.
_PREAMBLE: Final = 4096


class Whole(NamedTuple):
    """A whole answer in the caller's dialect."""

    content: bytes
    usage: Usage | None
    said: int = 0


class Relay:
    """Passes requests and answers on."""

    __slots__ = ("_leg", "_refusals")

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._refusals = Refusals()

    async def whole(self, visit: Visit, door: Door, target: Target) -> Whole:
        """The whole answer."""
        answer = await self._asked(visit, door, target)
        content = contents(answer, door.entry)
        document = _read(content, door.entry, visit.surface.mark)
        usage = visit.surface.usage(document)
        return Whole(content, usage, 0 if usage else _letters(document, visit.surface))

    async def flow(self, visit: Visit, door: Door, target: Target) -> RelayedFlow:
        """The answer as it comes; what fails before its first piece is a failed try like any other."""
        assert visit.surface.meter is not None
        answer = await self._asked(visit, door, target)
        try:
            first, meter = await begun(answer, door.entry), visit.surface.meter()
            meter.feed(first)
            # Who will say something comes first; as long as nothing is said another entry may step in.
            while not meter.said and not meter.complete and meter.fault is None and len(first) < _PREAMBLE:
                piece = await _next(answer, door.entry)
                meter.feed(piece)
                first += piece
            if meter.fault is not None:
                raise of_fault(meter.fault, door.entry)
            flow = RelayedFlow(door.entry, answer, meter, first)
            if not flow.first:
                flow.first = await _first_of(flow)
        except BaseException:
            answer.close()
            raise
        return flow

    async def _asked(self, visit: Visit, door: Door, target: Target) -> Answer:
        entry, more = door.entry, handed_on(door, visit.headers)
        while True:
            without = self._refusals.known(entry)
            try:
                body = outgoing(visit, door, without)
                answer = await self._leg.ask(target, body, more=more, streamed=visit.streamed)
            except (OSError, ValueError) as error:
                raise translated(error, entry) from error
            if answer.status < 300:
                return answer
            failure = await refused(answer, entry)
            assert visit.request is not None
            # What we had added the endpoint may not know: then once more without it, and from now on too.
            if not isinstance(failure, BadRequestError):
                raise failure
            if not self._refusals.learn(failure, entry, visit.request, without):
                raise failure


def outgoing(visit: Visit, door: Door, without: frozenset[str]) -> bytes:
    """The caller's bytes with what must change: the model, the entry's own options, and that usage is wanted."""
    body, document = visit.body, visit.document
    if not (visit.streamed or visit.bounded or door.options or without):
        # As it is with nearly every call: only the model is another.
        return body if document["model"] == door.entry.model else with_model(body, document, door.model)
    added = {name: value for name, value in door.options.items() if name not in document}
    if visit.streamed and visit.surface.asks_usage and _USAGE_ASKED not in without:
        asked = document.get(_USAGE_ASKED)
        if not isinstance(asked, dict) or not asked.get("include_usage"):
            added[_USAGE_ASKED] = orjson.dumps({**(asked if isinstance(asked, dict) else {}), "include_usage": True})
    if visit.bounded and visit.request is not None and visit.request.max_tokens is None:
        # Where money is set aside for the longest answer, the answer must not be longer.
        added.update(door.limit(visit.surface.name, without))
    if document["model"] != door.entry.model:
        body = with_model(body, document, door.model)
    if OTHER_WORD in without and "max_tokens" in document:
        return _with_other_word(document, added, door)
    return with_members(body, document, added) if added else body


def _with_other_word(document: dict[str, Any], added: dict[str, bytes], door: Door) -> bytes:
    """The request written anew, its limit under the name this model wants: bytes alone cannot rename a member."""
    told = {**document, **{name: orjson.Fragment(value) for name, value in added.items()}, "model": door.entry.model}
    told["max_completion_tokens"] = told.pop("max_tokens")
    return orjson.dumps(told)


def handed_on(door: Door, headers: Mapping[bytes, bytes]) -> bytes:
    """The header lines of this request alone."""
    lines = b""
    for name, otherwise in door.handed_on:
        value = headers.get(name, otherwise)
        # A server that let a line break through would let a caller write headers of its own to the vendor.
        if value is not None and value.isascii() and value.decode().isprintable():
            lines += name + b": " + value + b"\r\n"
    return lines


async def refused(answer: Answer, entry: LLMEntry) -> Exception:
    """Our error for an answer whose status says no."""
    try:
        return refusal(answer.status, answer.headers, await answer.whole(), entry)
    except OSError as error:
        return translated(error, entry)
    finally:
        answer.close()


async def _next(answer: Answer, entry: LLMEntry) -> bytes:
    try:
        piece = await answer.piece()
    except OSError as error:
        raise translated(error, entry) from error
    if not piece:
        raise MalformedAnswerError("the stream ended before it said anything", llm=entry)
    return piece


async def _first_of(flow: RelayedFlow) -> bytes:
    try:
        first = await flow.next()
    except OSError as error:
        raise translated(error, flow.entry) from error
    if not first:
        raise MalformedAnswerError("the stream ended before it said anything", llm=flow.entry)
    return first


def contents(answer: Answer, entry: LLMEntry) -> bytes:
    """The whole body of an answer, which ends here."""
    content = answer.taken()
    try:
        if not content.startswith(b"{"):  # as good ones do, and their heads are not even read
            _refuse_compressed(answer, entry)
    finally:
        answer.close()
    return content


def _refuse_compressed(answer: Answer, entry: LLMEntry) -> None:
    """Nobody asked for that; a proxy on the way that does it anyway has a setting."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        raise MalformedAnswerError(f"the answer came compressed ({coding}), which was not asked for", llm=entry)


def _letters(answer: Mapping[str, Any], surface: Surface) -> int:
    """About how much an answer says, when its vendor counts nothing. Vectors say nothing."""
    if surface.operation == "embeddings":
        return 0
    count, rest = 0, [answer[surface.mark]]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            count += len(value)
        elif isinstance(value, list | dict):
            rest.extend(value.values() if isinstance(value, dict) else value)
    return count


async def begun(answer: Answer, entry: LLMEntry) -> bytes:
    """The first bytes of a stream that really is one."""
    first = await _next(answer, entry)
    _refuse_compressed(answer, entry)
    kind = answer.headers.get("content-type", "")
    if "event-stream" not in kind:
        raise MalformedAnswerError(
            f"a stream of events was asked for, and {kind or 'something untyped'} came", llm=entry
        )
    return first


def _read(content: bytes, entry: LLMEntry, mark: str) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise MalformedAnswerError(f"the answer is no JSON ({error})", llm=entry) from None
    if isinstance(document, dict) and mark in document:
        return document
    fault = fault_in(document)
    if fault:
        raise of_fault(fault, entry)
    raise MalformedAnswerError(f"the answer has no '{mark}'", llm=entry)
