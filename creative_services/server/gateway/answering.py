"""From an admitted visit to its answer, whole or flowing: planned, asked, accounted and told as every call of ours."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from creative_services.core.access import KeyRecord
from creative_services.core.completions import LLMResponse
from creative_services.core.estimates import estimated_usage
from creative_services.core.events import Call
from creative_services.llms.desk import Desk
from creative_services.llms.plan import Plan, make_plan, plan_at_once
from creative_services.llms.run import Run
from creative_services.server.access.admission import refused_tier
from creative_services.server.callers.heads import EVENTS, JSON, UNBUFFERED, answer_headers
from creative_services.server.callers.problems import Problem
from creative_services.server.gateway.desks import Desks
from creative_services.server.gateway.pouring import Pouring
from creative_services.server.gateway.reaching import Reaching
from creative_services.server.ledger.books import Books
from creative_services.server.upstream.doors import Doors
from creative_services.server.visits.visit import Visit

_NO_METADATA: Final[Mapping[str, Any]] = {}


class Answering:
    """Asks entries until one answers."""

    __slots__ = ("_books", "_desks", "_doors", "_reaching")

    def __init__(self, *, desks: Desks, doors: Doors, reaching: Reaching, books: Books) -> None:
        self._desks = desks
        self._doors = doors
        self._reaching = reaching
        self._books = books

    async def answer(self, visit: Visit) -> None:
        """Plan, ask, answer."""
        assert visit.key is not None
        desk = self._desks.of(visit.key)
        visit.bounded = bool(desk.accounts)
        visit.run = run = await self._planned(desk, visit)
        try:
            if visit.streamed:
                await self._flowing(visit, run, desk)
            else:
                await self._whole(visit, run, desk)
        except BaseException as error:
            run.tell(None, error)
            raise

    async def _flowing(self, visit: Visit, run: Run, desk: Desk) -> None:
        flow = await run.ask(partial(self._reaching.flow, visit))
        headers = answer_headers(visit.request_id, self._doors.of(flow.entry), len(run.attempts) + 1, None)
        await visit.send({"type": "http.response.start", "status": 200, "headers": [*headers, EVENTS, *UNBUFFERED]})
        await Pouring(visit, run, flow, desk, self._books).pour()
        _tell(run, desk)

    async def _whole(self, visit: Visit, run: Run, desk: Desk) -> None:
        whole = await run.ask(partial(self._reaching.whole, visit))
        usage = whole.usage or estimated_usage(run.request.messages, whole.said)
        attempt = await run.finish(usage)
        headers = answer_headers(visit.request_id, self._doors.of(attempt.llm), len(run.attempts), attempt.cost)
        headers += (JSON, (b"content-length", b"%d" % len(whole.content)))
        # In the books before it is out of the door: an answered call that nobody recorded must be impossible.
        self._books.record(visit, 200)
        await visit.send({"type": "http.response.start", "status": 200, "headers": headers})
        await visit.send({"type": "http.response.body", "body": whole.content})
        visit.answered = True
        _tell(run, desk)

    async def _planned(self, desk: Desk, visit: Visit) -> Run:
        assert visit.key is not None
        assert visit.wish is not None
        assert visit.request is not None
        wish = visit.wish
        plan = plan_at_once(desk.registry, wish, desk.health)
        if plan is None:
            plan = await make_plan(desk.registry, wish, desk.health, visit.request)
        plan = self._narrowed(plan, visit, visit.key, desk)
        call = Call(
            id=visit.request_id,
            operation=visit.surface.operation,
            tier=wish.tier.value if wish.tier else None,
            llm_id=wish.llm_id,
            user_id=visit.key.account or None,
            streamed=visit.streamed,
            max_tokens=visit.request.max_tokens,
            temperature=visit.request.temperature,
        )
        return WatchedRun(desk, plan, call, visit)

    def _narrowed(self, plan: Plan, visit: Visit, key: KeyRecord, desk: Desk) -> Plan:
        """The plan without what the key may not have, and without what cannot honour the request."""
        found = plan.candidates
        if key.tiers is not None and plan.wish.tier is None and found:
            found = tuple(entry for entry in found if key.allows(entry.tier))
            if not found:
                raise refused_tier(key, str(plan.wish).capitalize())
        field = self._reaching.native_only(visit)
        if field is not None and found:
            found = tuple(entry for entry in found if self._reaching.is_native(visit, entry))
            if not found:
                words = f"No entry that could answer speaks this dialect itself, and only such a one honours '{field}'."
                raise Problem("shape", f"{words} Leave it out, or ask for another model.", param=field)
        return plan if found is plan.candidates else Plan(plan.wish, found, desk.health)


class WatchedRun(Run):
    """A run whose tries are timed by the pulse that looks after its visit anyway."""

    __slots__ = ("_visit",)

    def __init__(self, desk: Desk, plan: Plan, call: Call, visit: Visit) -> None:
        assert visit.request is not None
        super().__init__(desk, plan, call, visit.request, visit.timeout)
        self._visit = visit

    def within(self, seconds: float) -> "_Lapse":
        """Raises ``TimeoutError`` in whatever takes longer, within a beat of the pulse."""
        return _Lapse(self._visit, self._now() + seconds)


class _Lapse:
    """Ends a try by cancelling its task at a beat of the pulse, as ``asyncio.timeout`` does with its own timer."""

    __slots__ = ("_visit",)

    def __init__(self, visit: Visit, due: float) -> None:
        self._visit = visit
        visit.tried_until(due)

    async def __aenter__(self) -> None:
        """The time is running already."""

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._visit.due = 0.0
        if kind is not None and self._visit.took_too_long(error):
            raise TimeoutError from error


def _tell(run: Run, desk: Desk) -> None:
    if desk.bell:
        usage, cost = run.spent()
        answer = LLMResponse(
            content="",  # what was said is between the caller and the vendor; listeners count, they do not read
            llm=run.attempts[-1].llm,
            usage=usage,
            cost=cost,
            latency=run.seconds,
            attempts=tuple(run.attempts),
        )
        run.tell(answer)
