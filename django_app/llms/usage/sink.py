"""The table as the keeper of what the spool hands over."""

from collections.abc import Callable
from logging import getLogger

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from creative_services.core.ledger import Batch
from django_app.llms.models import Usage, UsageNews, UsageSpool
from django_app.llms.signals import send_usage_stored
from django_app.llms.usage.rows import hours_of

_log = getLogger("creative_services.usage")


Insert = Callable[[list[Usage], str], object]


class UsageTable:
    """Stores rows and how far the spool has come in one transaction, so that each row is there exactly once."""

    def __init__(self, using: str) -> None:
        self._using = using

    def last(self, spool: str) -> int:
        """The highest number stored from this spool."""
        found = UsageSpool.objects.using(self._using).filter(pk=spool).values_list("last", flat=True)
        return found[0] if found else 0

    def store(self, batch: Batch[list[Usage]]) -> None:
        """All rows, or none."""
        rows = [row for call in batch.records for row in call]
        try:
            self._store(batch, rows, _insert)
        except (DataError, IntegrityError) as error:
            # One row that the database will never take must not hold up all that follow.
            _log.warning("Usage rows are stored one by one, since together they are refused: %s", error)
            self._store(batch, rows, _insert_one_by_one)
        send_usage_stored(self._using, rows)

    def _store(self, batch: Batch[list[Usage]], rows: list[Usage], insert: Insert) -> None:
        with transaction.atomic(using=self._using):
            self._note_place(batch)
            insert(rows, self._using)
            UsageNews.objects.using(self._using).bulk_create([UsageNews(hour=hour) for hour in hours_of(rows)])

    def _note_place(self, batch: Batch[list[Usage]]) -> None:
        spools, now = UsageSpool.objects.using(self._using), timezone.now()
        known = spools.filter(pk=batch.spool)
        if known.filter(last=batch.first - 1).update(last=batch.last, seen_at=now):
            return
        if known.exists():
            raise ValueError(f"The spool {batch.spool} was handed over by somebody else.")
        # New, or silent for so long that it was pruned. Of two at once, one fails here and takes nothing in.
        spools.create(name=batch.spool, last=batch.last, seen_at=now)


def _insert(rows: list[Usage], using: str) -> None:
    Usage.objects.using(using).bulk_create(rows, batch_size=1000)


def _insert_one_by_one(rows: list[Usage], using: str) -> None:
    for row in rows:
        try:
            with transaction.atomic(using=using):
                row.save(using=using, force_insert=True)
        except (DataError, IntegrityError) as error:
            _log.error("A usage row is left out, the database refuses it: %s", error)
