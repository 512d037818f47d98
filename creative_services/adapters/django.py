"""The registry of a Django project: entries edited in its database, looked up without asking it."""

from collections.abc import Mapping
from typing import Final

from creative_services.adapters.django_feed import Feed, default_database, feed_of
from creative_services.adapters.django_reading import Held, Revision
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry, LLMTier


class _Unbound:
    """Stands in for the feed until the first look-up, so that a registry can be made before Django is set up."""

    current: Final = None


_UNBOUND: Final = _Unbound()


class DjangoLLMRegistry:
    """Entries of the ``Llms`` table. A look-up is a dictionary look-up, with no query, lock or wait.

    One thread per process and database follows the table. Only the very first look-up waits for it.
    """

    __slots__ = ("_feed", "_using")

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._feed: Feed | _Unbound = _UNBOUND

    def get_by_id(self, llm_id: int) -> LLMEntry | None:
        """The entry with this id, active or not, or None."""
        return (self._feed.current or self._first()).snapshot.by_id.get(llm_id)

    def get_by_tier(self, tier: LLMTier) -> LLMEntry | None:
        """The cheapest active entry of the tier (or the one pinned to it), or None."""
        return (self._feed.current or self._first()).snapshot.winners.get(tier)

    def list_active(self) -> list[LLMEntry]:
        """Every active entry, cheapest first."""
        return list((self._feed.current or self._first()).snapshot.active)

    def candidates(self, tier: LLMTier) -> tuple[LLMEntry, ...]:
        """The active entries of the tier in the order they would be asked."""
        return (self._feed.current or self._first()).snapshot.by_tier.get(tier, ())

    def get_by_name(self, name: str) -> LLMEntry | None:
        """The cheapest active entry of this name, or None."""
        return (self._feed.current or self._first()).by_name.get(name)

    async def aget_by_id(self, llm_id: int) -> LLMEntry | None:
        """``get_by_id`` that leaves the event loop free while the very first snapshot loads."""
        await self.aload()
        return self.get_by_id(llm_id)

    async def aget_by_tier(self, tier: LLMTier) -> LLMEntry | None:
        """``get_by_tier`` that leaves the event loop free while the very first snapshot loads."""
        await self.aload()
        return self.get_by_tier(tier)

    async def alist_active(self) -> list[LLMEntry]:
        """``list_active`` that leaves the event loop free while the very first snapshot loads."""
        await self.aload()
        return self.list_active()

    async def aload(self) -> None:
        """Load the first snapshot now, off the event loop; at a server's start, say."""
        if self._feed.current is None:
            import asyncio

            await asyncio.get_running_loop().run_in_executor(None, self._first)

    async def before_call(self, entry: LLMEntry) -> None:
        """Refuse an entry whose endpoint leads to a private address now, whatever it led to when it was saved."""
        if entry.api_endpoint and (why := await self._bound().source.refusal(entry)):
            raise ConfigurationError(f"{entry} {why}.")

    def reload(self) -> None:
        """Read the table again now, whatever the revision says."""
        self._bound().reload()

    @property
    def unavailable(self) -> Mapping[int, str]:
        """Why entries that are switched on cannot be asked: no key to be had, a refused endpoint."""
        return (self._feed.current or self._first()).reading.unavailable

    @property
    def revision(self) -> Revision:
        """The revision of the table that look-ups see."""
        return (self._feed.current or self._first()).reading.revision

    @property
    def stale_for(self) -> float:
        """Seconds since the database last confirmed what look-ups see; grows while the database is away."""
        return self._bound().stale_for

    def _first(self) -> Held:
        return self._bound().first()

    def _bound(self) -> Feed:
        if not isinstance(self._feed, Feed):
            self._feed = feed_of(self._using or default_database())
        return self._feed

    def __repr__(self) -> str:
        held = self._feed.current
        seen = f"{held.reading.revision}, {len(held.snapshot.active)} active" if held else "not loaded yet"
        return f"<DjangoLLMRegistry: {seen}>"
