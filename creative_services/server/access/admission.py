"""Who gets in: a valid key within its limits, a sound body, a wish the key may have."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Protocol

from creative_services.core.access import KeyRecord, KeyScope
from creative_services.core.estimates import input_tokens
from creative_services.core.wishes import Wish
from creative_services.llms.asking import implied_by
from creative_services.server.access.keys import KeyRing
from creative_services.server.access.limits import Refusal
from creative_services.server.callers.incoming import body_in, document_in, key_in, refuse_media, timeout_in
from creative_services.server.callers.modelnames import wish_of
from creative_services.server.callers.problems import Problem
from creative_services.server.visits.visit import Visit
from creative_services.wire.inbound import InboundError

# Nobody is asked for a key when there are none: the server then listens on this machine only.
ANYONE: Final = KeyRecord(id="", digest=bytes(32))


class Rates(Protocol):
    """Counts what keys use per minute."""

    async def request(self, key: KeyRecord) -> Refusal | None:
        """Let one request in, or say why not."""
        ...

    async def tokens(self, key: KeyRecord, amount: int) -> Refusal | None:
        """Set tokens aside for a call, or say why not."""
        ...

    def settle(self, key: KeyRecord, taken: int, actual: int) -> None:
        """The call is over and used ``actual`` tokens."""
        ...


class Admission:
    """The door keeper. Everyone on this machine may call where ``keys`` is None, or until there is the first one."""

    __slots__ = ("_keys", "_largest", "_open_until_keys", "_rates", "_utcnow")

    def __init__(
        self,
        *,
        keys: KeyRing | None,
        rates: Rates,
        largest_body: int,
        utcnow: Callable[[], datetime],
        open_until_keys: bool = False,
    ) -> None:
        self._keys = keys
        self._open_until_keys = open_until_keys
        self._rates = rates
        self._largest = largest_body
        self._utcnow = utcnow

    def identify(self, headers: Mapping[bytes, bytes]) -> KeyRecord:
        """The record of the key shown."""
        if self._keys is None:
            return ANYONE
        shown = key_in(headers)
        record = self._keys.find(shown)
        if record is None:
            if self._open_until_keys and not self._keys.ever:
                return ANYONE
            raise Problem("no_key", _NO_KEY if not shown else _WRONG_KEY)
        if record.expires_at is not None and record.expired(self._utcnow()):
            raise Problem("no_key", f"This key expired at {record.expires_at:%Y-%m-%d %H:%M} UTC. Ask for a new one.")
        return record

    async def admit(self, visit: Visit) -> None:
        """Let the visit in as far as its body read and its wish understood, or refuse it."""
        visit.key = key = self.identify(visit.headers)
        if key.scopes is not None:
            refuse_scope(key, visit.surface.scope)
        if key.requests_per_minute is not None:
            _refuse(await self._rates.request(key))
        refuse_media(visit.headers)
        message = await visit.receive()
        body = message.get("body")
        if body and not message["more_body"] and len(body) <= self._largest:
            visit.body = body  # whole at once, as nearly every one is
        else:
            visit.body = await body_in(message, visit.receive, visit.headers, self._largest)
        visit.due = 0.0
        visit.document = document_in(visit.body)
        try:
            visit.request = visit.surface.request(visit.document)
        except InboundError as wrong:
            raise Problem("shape", str(wrong), param=wrong.param) from None
        visit.streamed = bool(visit.document.get("stream")) and visit.surface.meter is not None
        visit.wish = self._wish(visit, key)
        if b"x-llm-timeout" in visit.headers:
            visit.timeout = timeout_in(visit.headers[b"x-llm-timeout"])
        if key.tokens_per_minute is not None:
            await self._set_tokens_aside(visit, key)

    def _wish(self, visit: Visit, key: KeyRecord) -> Wish:
        assert visit.request is not None
        wish = wish_of(visit.document.get("model"), visit.surface.needs, implied_by(visit.request))
        if key.tiers is not None and wish.tier is not None and not key.allows(wish.tier):
            raise refused_tier(key, f"Tier {wish.tier}")
        return wish

    async def _set_tokens_aside(self, visit: Visit, key: KeyRecord) -> None:
        assert visit.request is not None
        amount = input_tokens(visit.request.messages) + (visit.request.max_tokens or 0)
        _refuse(await self._rates.tokens(key, amount))
        visit.tokens_held = amount

    def settle(self, visit: Visit) -> None:
        """The call is over: what was set aside for it becomes what it used."""
        if visit.tokens_held and visit.key is not None:
            attempts = visit.run.attempts if visit.run else ()
            used = sum(attempt.usage.total_tokens for attempt in attempts if attempt.usage)
            self._rates.settle(visit.key, visit.tokens_held, used)


_NO_KEY: Final = "No key was sent. Send one as 'Authorization: Bearer ...' or as 'x-api-key'."
_WRONG_KEY: Final = "This key is not known here, or was revoked. Keys of this gateway are not the vendors' own."


def refuse_scope(key: KeyRecord, asked: KeyScope) -> None:
    """Refuse what the key is not for."""
    if key.scopes is not None and asked not in key.scopes:
        held = ", ".join(sorted(key.scopes))
        words = f"This key lacks the scope '{asked}', which this path asks for. It has: {held}."
        raise Problem("scope", f"{words} Its owner or an administrator can add the scope.")


def refused_tier(key: KeyRecord, what: str) -> Problem:
    """What a key may not have."""
    allowed = ", ".join(sorted(key.tiers or ()))
    return Problem("tier", f"{what} is not for this key. It may use: {allowed}.", param="model")


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Problem("rate", str(refusal), retry_after=refusal.retry_after)
