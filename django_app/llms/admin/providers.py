"""Providers and their keys: where each key comes from, how old it is, how its last test ended, who uses it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from creative_services.core.errors import CreativeServicesError
from django_app.llms import conf
from django_app.llms.admin import words
from django_app.llms.admin.base import may, require, screen, url
from django_app.llms.admin.telling import KeyState, key_of, stored_key
from django_app.llms.keys import sealing
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models import Llms, Trial


@dataclass(slots=True, kw_only=True)
class KeyRow:
    """One key, and the entries that use it."""

    state: KeyState
    rows: list[Llms] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)

    @property
    def test(self) -> tuple[str, str]:
        """State and words of the worst last test."""
        if self.state.trouble:
            return "bad", self.state.trouble
        if not self.trials:
            return "unknown", _("never tested")
        worst = min(self.trials, key=lambda trial: (trial.state == Trial.State.OK, -trial.tested_at.timestamp()))
        ago = words.age((timezone.now() - worst.tested_at).total_seconds())
        level = "good" if worst.state == Trial.State.OK else "bad"
        return level, _("%(state)s, %(age)s ago") % {"state": worst.get_state_display(), "age": ago}

    @property
    def age(self) -> tuple[str, str]:
        """Level and words of the time since the key was last given."""
        changed = min((row.api_key_changed_at for row in self.rows if row.api_key_changed_at), default=None)
        if changed is None or self.state.kind != Kind.SEALED:
            return "calm", "—"
        past = timezone.now() - changed
        left = conf.current().key_age_days - past.days
        told = words.age(past.total_seconds())
        return ("poor", _("%(age)s, overdue") % {"age": told}) if left < 0 else ("calm", told)


@dataclass(slots=True, kw_only=True)
class ProviderCard:
    """One provider."""

    name: str
    keys: Sequence[KeyRow]

    @property
    def active(self) -> int:
        """Entries that may answer."""
        return sum(row.is_active for key in self.keys for row in key.rows)


def providers(site: admin.AdminSite, request: HttpRequest) -> HttpResponse:
    """The page; a POST rotates."""
    require(request, "view_llms")
    if request.method == "POST":
        require(request, "rotate_secret")
        _rotate(request)
        return HttpResponseRedirect(url("providers"))
    rows = list(Llms.objects.order_by("provider", "name"))
    return screen(
        site, request, "providers", _("Providers & keys"), providers=cards(rows), sealing=sealing_state(rows),
        may_rotate=may(request, "rotate_secret"), env_allow=conf.current().env_allow,
        file_allow=conf.current().file_allow,
    )  # fmt: skip


def cards(rows: Sequence[Llms]) -> list[ProviderCard]:
    """Every provider with its keys; entries that share a reference share a line."""
    trials = Trial.objects.in_bulk([row.pk for row in rows])
    found: dict[str, dict[str, KeyRow]] = {}
    for row in rows:
        shared = stored_key(row) if kind_of(row.api_key) in (Kind.REFERENCE, Kind.NONE) else f"sealed {row.pk}"
        keys = found.setdefault(row.provider, {})
        key = keys.setdefault(shared, None) or KeyRow(state=key_of(row))  # type: ignore[arg-type]  # filled on this line
        keys[shared] = key
        key.rows.append(row)
        if row.pk in trials:
            key.trials.append(trials[row.pk])
    return [ProviderCard(name=name, keys=list(keys.values())) for name, keys in found.items()]


def sealing_state(rows: Sequence[Llms]) -> dict[str, Any]:
    """How many sealed keys are sealed with the newest master key."""
    sealed = [row for row in rows if kind_of(row.api_key) is Kind.SEALED]
    try:
        keys = len(sealing.master_keys())
        current = sum(sealing.sealed_with_newest(stored_key(row)) for row in sealed) if keys else 0
    except CreativeServicesError as error:
        return {"trouble": str(error), "total": len(sealed), "current": 0, "keys": 0}
    return {"total": len(sealed), "current": current, "keys": keys, "waiting": len(sealed) - current}


def _rotate(request: HttpRequest) -> None:
    from io import StringIO

    from django.core.management import CommandError, call_command

    said = StringIO()
    try:
        call_command("llms", "rotate_secrets", stdout=said, stderr=StringIO())
        messages.success(request, said.getvalue().strip())
    except CommandError as error:
        messages.error(request, str(error))
    except SystemExit:
        messages.error(request, said.getvalue().strip())
