"""The keys of a site: those of the environment and those of the admin, as one feed."""

import asyncio
from collections.abc import Hashable
from logging import getLogger
from typing import Final

from django.db import DatabaseError

from creative_services.adapters.django_keys import DjangoKeys
from creative_services.config import environment
from creative_services.core.access import KeyFeed, KeySnapshot
from creative_services.core.errors import CreativeServicesError
from creative_services.server.access.keys import keys_from
from django_app.access.models import AccessKey
from django_app.access.source import AccessKeySource

# A worker that has just read its entries may find the database gone again; it does not give up at once.
_TRIES: Final = 30

_log = getLogger("creative_services.site")


class SiteKeys:
    """A ``KeyFeed``. Keys of the environment are always among those it gives."""

    def __init__(self, fixed: KeySnapshot, feed: KeyFeed) -> None:
        self._fixed = fixed
        self._feed = feed

    async def fetch(self, known: Hashable) -> KeySnapshot | None:
        """The keys of this moment; None when they are still those of the revision ``known``."""
        found = await (self._feed.fetch(known) if known is not None else self._first())
        if found is None:
            return None
        return KeySnapshot(by_digest={**self._fixed.by_digest, **found.by_digest}, revision=found.revision)

    async def _first(self) -> KeySnapshot | None:
        for _ in range(_TRIES):
            try:
                return await self._feed.fetch(None)
            except (CreativeServicesError, DatabaseError) as error:
                _log.warning("The keys cannot be read yet: %s", error)
                await asyncio.sleep(1.0)
        return await self._feed.fetch(None)


def feed() -> SiteKeys:
    """The feed of one worker."""
    return SiteKeys(keys_from(environment()), DjangoKeys())


def any_valid() -> bool:
    """Whether somebody has a key that works."""
    return bool(keys_from(environment()).by_digest) or any(True for _ in AccessKeySource("default").records())


def any_ever() -> bool:
    """Whether there has been a key, be it revoked by now."""
    return bool(keys_from(environment()).by_digest) or AccessKey.objects.exists()
