"""What the spool's thread does between two hand-overs: signs of life for the admin, and sums."""

import os
from logging import getLogger
from platform import node
from secrets import token_hex
from time import monotonic
from typing import Final

from django.db import Error
from django.utils import timezone

from creative_services.adapters.django import DjangoLLMRegistry
from creative_services.core.errors import CreativeServicesError
from creative_services.telemetry.spool.keeper import Keeper
from django_app.llms.models import Usage, Worker
from django_app.llms.usage.totals import roll_up

_BEAT_SECONDS: Final = 5.0
_SUM_SECONDS: Final = 10.0

_log = getLogger("creative_services.usage")


class Chores:
    """The regular work of one process for one database. Every process does it; each part may be done twice."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._registry = DjangoLLMRegistry(using)
        self._name, self._pid = "", 0
        self._started_at = timezone.now()
        self._beat_at = self._summed_at = float("-inf")
        self.keeper: Keeper[list[Usage]] | None = None

    def do(self) -> None:
        """What is due. A failure waits for the next time: the rows themselves are stored already."""
        now = monotonic()
        try:
            if now - self._beat_at >= _BEAT_SECONDS:
                self._beat_at = now
                self._beat()
            if now - self._summed_at >= _SUM_SECONDS:
                self._summed_at = now
                roll_up(self._using)
        except (Error, CreativeServicesError) as error:
            _log.info("Usage is stored, but not summed up this time: %s", error)

    def _beat(self) -> None:
        revision = self._registry.revision
        Worker.objects.using(self._using).update_or_create(
            name=self._process(),
            defaults={
                "revision": revision.number,
                "token": revision.token,
                "stale_for": max(0.0, self._registry.stale_for),
                "waiting": self.keeper.waiting if self.keeper else 0,
                "started_at": self._started_at,
                "seen_at": timezone.now(),
            },
        )

    def _process(self) -> str:
        if self._pid != os.getpid():  # a child of a fork is a worker of its own
            self._pid, self._started_at = os.getpid(), timezone.now()
            self._name = f"{node()[:60]} {self._pid} {token_hex(2)}"
        return self._name
