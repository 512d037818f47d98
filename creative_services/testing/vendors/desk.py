"""Where every request is received: recorded, checked, and answered by the script or by default."""

import json
from itertools import count
from time import monotonic
from typing import Any

from creative_services.testing.vendors.answers import Answer
from creative_services.testing.vendors.composing import Stage, compose
from creative_services.testing.vendors.failures import RefusedError
from creative_services.testing.vendors.http1 import Request
from creative_services.testing.vendors.model_lists import MODELS
from creative_services.testing.vendors.replies import Reply
from creative_services.testing.vendors.routes import Visit, enter, shape_of
from creative_services.testing.vendors.scripts import Scripts
from creative_services.testing.vendors.seen import RequestLog, Seen
from creative_services.testing.vendors.shapes import Asked, Shape

KEPT_ANSWERS = 1024  # different questions a benchmark may ask before rendering starts anew


class Standing:
    """The default reply with the answers already rendered from it; a new reply takes a new one of these."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self._rendered: dict[tuple[str, Asked], Answer] = {}

    def answer(self, stage: Stage) -> Answer:
        """The default answer, rendered once for each question."""
        if stage.asked is None:
            return compose(stage, self.reply, self.reply)
        key = (stage.shape.vendor, stage.asked)
        if (known := self._rendered.get(key)) is None:
            if len(self._rendered) >= KEPT_ANSWERS:
                self._rendered.clear()
            known = self._rendered[key] = compose(stage, self.reply, self.reply)
        return known


class Desk:
    """Turns a request into what was seen of it and the answer to send."""

    def __init__(self, *, default: Reply, remember: int) -> None:
        self.standing = Standing(default)
        self.scripts = Scripts()
        self.log = RequestLog(remember)
        self.keys: frozenset[str] = frozenset()
        self.models = dict(MODELS)
        self._numbers = count(1)

    def receive(self, request: Request) -> tuple[Seen, Answer]:
        """Record the request and decide the answer."""
        shape, body = shape_of(request.path, request.headers), _parsed(request.body)
        visit = Visit(shape, request, body, self.models[shape.vendor])
        seen = self._record(visit)
        try:
            shape.check_key(request.headers, self.keys)
            stage = enter(visit)
        except RefusedError as refused:
            return seen, _refusal(shape, seen.model, refused, self.standing.reply)
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):  # a body of the wrong kind somewhere inside
            return seen, _refusal(shape, seen.model, RefusedError(400, _UNREADABLE), self.standing.reply)
        entry = self.scripts.next(seen.model)
        if entry is None:
            return seen, self.standing.answer(stage)
        return seen, compose(stage, entry, self.standing.reply)

    def _record(self, visit: Visit) -> Seen:
        seen = Seen(
            vendor=visit.shape.vendor,
            path=visit.request.path,
            model=visit.model,
            request_id=f"{next(self._numbers):024x}",
            headers=visit.request.headers,
            body=visit.body,
            at=monotonic(),
        )
        self.log.add(seen)
        return seen


_UNREADABLE = "We could not parse the JSON body of your request."


def _parsed(body: bytes) -> Any:
    """The JSON of a body; None when there is none or it does not parse, which the route then refuses."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _refusal(shape: Shape, model: str, refused: RefusedError, default: Reply) -> Answer:
    return compose(Stage(shape=shape, model=model, payload=lambda _: {}), refused.fault, default)
