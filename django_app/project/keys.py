"""The keys of a site: those of the environment and those of the admin, as one feed."""

from collections.abc import Hashable

from creative_services.adapters.django_keys import DjangoKeys
from creative_services.config import environment
from creative_services.core.access import KeyFeed, KeySnapshot
from creative_services.server.access.keys import keys_from
from django_app.access.models import AccessKey
from django_app.access.source import AccessKeySource


class SiteKeys:
    """A ``KeyFeed``. Keys of the environment are always among those it gives."""

    def __init__(self, fixed: KeySnapshot, feed: KeyFeed, first: KeySnapshot | None = None) -> None:
        self._fixed = fixed
        self._feed = feed
        self._first = first  # read already, by who could wait for it

    async def fetch(self, known: Hashable) -> KeySnapshot | None:
        """The keys of this moment; None when they are still those of the revision ``known``."""
        first, self._first = self._first, None
        found = first or await self._feed.fetch(known)
        if found is None:
            return None
        return KeySnapshot(by_digest={**self._fixed.by_digest, **found.by_digest}, revision=found.revision)


def feed() -> SiteKeys:
    """The feed of one worker, its first answer read now. Raises what the database raises."""
    source = AccessKeySource("default")
    revision = source.revision()
    return SiteKeys(keys_from(environment()), DjangoKeys(), KeySnapshot.of(source.records(), revision))


def any_valid() -> bool:
    """Whether somebody has a key that works."""
    return bool(keys_from(environment()).by_digest) or any(True for _ in AccessKeySource("default").records())


def any_ever() -> bool:
    """Whether there has been a key, be it revoked by now."""
    return bool(keys_from(environment()).by_digest) or AccessKey.objects.exists()
