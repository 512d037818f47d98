"""From what was asked and what was scripted to the bytes of the answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from creative_services.testing.vendors.answers import (
    LAST_CHUNK,
    Answer,
    Ending,
    answer,
    chunk,
    counted,
    head,
)
from creative_services.testing.vendors.faults import Fault, FaultKind
from creative_services.testing.vendors.replies import Reply
from creative_services.testing.vendors.shapes import REQUEST_ID, Asked, Frame, Json, Shape, to_json

BAD_GATEWAY_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A request understood: who answers it, and how a reply becomes JSON or, for a stream, frames."""

    shape: Shape
    model: str
    payload: Callable[[Reply], Json]
    frames: Callable[[Reply], list[Frame]] | None = None
    asked: Asked | None = None


def compose(stage: Stage, entry: Reply | Fault, default: Reply) -> Answer:
    """The answer a script entry makes on this stage."""
    if isinstance(entry, Fault):
        return FAULTS[entry.kind](stage, entry, entry.reply or default)
    if stage.frames is None:
        return answer(_body(stage, entry), delay=entry.delay)
    return _stream(stage, entry, stage.frames(entry))


def _headers(stage: Stage, content_type: str = "application/json") -> dict[str, str]:
    name = stage.shape.request_id_header
    return {"content-type": content_type, **({name: f"req_{REQUEST_ID}"} if name else {})}


def _body(stage: Stage, reply: Reply) -> tuple[bytes, bytes]:
    return counted(200, to_json(stage.payload(reply)), {**_headers(stage), **reply.headers})


def _stream(
    stage: Stage,
    reply: Reply,
    frames: list[Frame],
    *,
    ending: Ending = Ending.KEEP,
) -> Answer:
    headers = {**_headers(stage, stage.shape.stream_type), "transfer-encoding": "chunked", **reply.headers}
    pieces = [head(200, headers), *(chunk(frame.data) for frame in frames)]
    # The head leaves together with the first frame, the terminator with the last: a gap is between frames.
    if ending is Ending.KEEP:
        pieces[-1] += LAST_CHUNK
    if len(pieces) > 1:
        pieces[:2] = [pieces[0] + pieces[1]]
    return answer(pieces, ending=ending, delay=reply.delay, gap=reply.gap)


def place_after(frames: list[Frame], count: int) -> int:
    """Where a stream stands once `count` pieces of its content are out; for 0, just before the first."""
    contents = [place for place, frame in enumerate(frames) if frame.content]
    if not contents:
        return max(0, len(frames) - 1)
    if count == 0:
        return contents[0]
    return contents[min(count, len(contents)) - 1] + 1


def _status(stage: Stage, fault: Fault, _: Reply) -> Answer:
    body = to_json(stage.shape.error(fault, stage.model))
    status = stage.shape.failures.status(fault)
    return answer(counted(status, body, {**_headers(stage), **fault.headers}), delay=fault.delay)


def _hang(stage: Stage, fault: Fault, _: Reply) -> Answer:
    return answer((), ending=Ending.HANG)


def _drop(stage: Stage, fault: Fault, _: Reply) -> Answer:
    return answer((), ending=Ending.CUT)


def _broken_off(ending: Ending) -> Callable[[Stage, Fault, Reply], Answer]:
    def broken(stage: Stage, fault: Fault, reply: Reply) -> Answer:
        if stage.frames is None:
            head_bytes, body = _body(stage, reply)
            return answer((head_bytes, body[: len(body) // 2]), ending=ending, delay=reply.delay)
        frames = stage.frames(reply)
        return _stream(stage, reply, frames[: place_after(frames, fault.after)], ending=ending)

    return broken


def _error_event(stage: Stage, fault: Fault, reply: Reply) -> Answer:
    if stage.frames is None:
        return _status(stage, fault, reply)
    frames = stage.frames(reply)
    event = Frame(stage.shape.error_frame(fault, stage.model))
    return _stream(stage, reply, [*frames[: place_after(frames, fault.after)], event])


def _malformed(stage: Stage, fault: Fault, reply: Reply) -> Answer:
    if stage.frames is None:
        body = to_json(stage.payload(reply))
        return answer(counted(200, body[: len(body) // 2], _headers(stage)), delay=reply.delay)
    frames = stage.frames(reply)
    place = place_after(frames, fault.after)
    return _stream(stage, reply, [*frames[:place], Frame(stage.shape.broken_frame), *frames[place:]])


def _empty(stage: Stage, fault: Fault, _: Reply) -> Answer:
    content_type = "application/json" if stage.frames is None else stage.shape.stream_type
    return answer(counted(200, b"", _headers(stage, content_type)))


def _html(stage: Stage, fault: Fault, _: Reply) -> Answer:
    status = stage.shape.failures.status(fault)
    page = BAD_GATEWAY_PAGE.format(f"{status} Bad Gateway").encode()
    return answer(counted(status, page, {"content-type": "text/html"}))


def _slow(stage: Stage, fault: Fault, reply: Reply) -> Answer:
    return compose(stage, replace(reply, delay=fault.delay), reply)


FAULTS: dict[FaultKind, Callable[[Stage, Fault, Reply], Answer]] = {
    FaultKind.STATUS: _status,
    FaultKind.HANG: _hang,
    FaultKind.DROP: _drop,
    FaultKind.CUT: _broken_off(Ending.CUT),
    FaultKind.STALL: _broken_off(Ending.HANG),
    FaultKind.ERROR_EVENT: _error_event,
    FaultKind.MALFORMED: _malformed,
    FaultKind.EMPTY: _empty,
    FaultKind.HTML: _html,
    FaultKind.SLOW: _slow,
}
