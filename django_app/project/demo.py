"""Entries for whoever has no key yet: one per tier, answered by the offline provider, and never beside a real one."""

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.signals import post_save

from creative_services.cli.demo import demo_entries
from django_app.llms.managed import Wanted, wanted_of
from django_app.llms.models import Llms

_SOURCE: Final = "demo"


def _demo() -> "QuerySet[Llms]":
    found: QuerySet[Llms] = Llms.objects.filter(managed_source__startswith=f"{_SOURCE}#")
    return found


def add() -> list[Llms]:
    """One for each tier that nobody answers; those that are there stay as they are."""
    known = set(_demo().values_list("managed_source", flat=True))
    answered = set(Llms.objects.filter(is_active=True).values_list("tier", flat=True))
    wanted = [wanted_of(entry, _SOURCE) for entry in demo_entries()]
    new = [each for each in wanted if each.mark not in known and each.fields["tier"] not in answered]
    return [_made(each) for each in new]


def _made(wanted: Wanted) -> Llms:
    row = Llms(managed_source=wanted.mark, **wanted.fields)
    row.save(force_insert=True)
    return row


def step_aside(tiers: Iterable[str] | None = None) -> int:
    """Remove those whose tier has a real entry; an echo must never pass for the answer of a model that failed."""
    real = Llms.objects.filter(is_active=True).exclude(managed_source__startswith=f"{_SOURCE}#")
    found = real.values_list("tier", flat=True).distinct() if tiers is None else tiers
    return _demo().filter(tier__in=list(found)).delete()[0]


def follow_entries() -> None:
    """Step aside as soon as somebody adds a real entry."""
    post_save.connect(_saved, sender=Llms, dispatch_uid=f"{__name__}.saved")


def _saved(instance: Llms, **_: Any) -> None:
    if instance.is_active and not instance.managed_source.startswith(f"{_SOURCE}#"):
        step_aside([instance.tier])
