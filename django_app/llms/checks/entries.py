"""What can be wrong with the entries themselves; run by ``manage.py check --database default``."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.core import checks
from django.db import connections
from django.utils import timezone
from django.utils.translation import gettext as _

from creative_services.config import did_you_mean
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMTier
from creative_services.providers import known_providers
from django_app.llms import conf, endpoints, triggers
from django_app.llms.checks.rows import active_rows, databases_with_entries
from django_app.llms.checks.settings import ID
from django_app.llms.keys import sealing
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.written import Kind, kind_of

Databases = Sequence[str] | None


def keys(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """E002: the master key of sealed keys is not in the settings. W002: another reason why a key cannot be had."""
    return [message for row in active_rows(databases) if (message := _key_message(row))]


def _key_message(row: Any) -> checks.CheckMessage | None:
    hint = _("Until then the entry is not asked.")
    try:
        read_key(row.api_key, row.pk, owner=str(row))
    except CreativeServicesError as error:
        if _master_key_missing(row.api_key):
            return checks.Error(str(error), hint=hint, obj=row, id=f"{ID}.E002")
        return checks.Warning(str(error), hint=hint, obj=row, id=f"{ID}.W002")
    except Exception as error:  # noqa: BLE001 - a resolver is somebody else's code; its failure is what we report
        told = _("The resolver of the key of %(row)s fails: %(error)s") % {"row": row, "error": type(error).__name__}
        return checks.Warning(told, hint=hint, obj=row, id=f"{ID}.W002")
    return None


def _master_key_missing(token: str) -> bool:
    try:
        return kind_of(token) is Kind.SEALED and sealing.master_key_of(token) is None
    except CreativeServicesError:
        return False  # the keys themselves are malformed, which E006 reports


def tiers(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W001: nobody would answer a tier."""
    return [message for alias in databases_with_entries(databases) for message in _empty_tiers(alias)]


def _empty_tiers(alias: str) -> Iterator[checks.CheckMessage]:
    rows = apps.get_model("creative_services_llms", "Llms")._base_manager.using(alias)
    active = Counter(rows.filter(is_active=True).values_list("tier", flat=True))
    there = Counter(rows.values_list("tier", flat=True))
    for tier in LLMTier:
        # A project without local models is complete; one that has them and switched all of them off is not.
        if not active[tier.value] and (tier is not LLMTier.LOCAL or there[tier.value]):
            yield checks.Warning(
                _("The tier %(tier)s has no active entry in the database '%(alias)s'.")
                % {"tier": tier.value, "alias": alias},
                hint=_("Add one in the admin, or run: manage.py llms sync_env"),
                id=f"{ID}.W001",
            )


def retirements(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W003: a model is gone, or will be soon."""
    return [message for row in active_rows(databases) if (message := _retirement(row))]


def _retirement(row: Any) -> checks.CheckMessage | None:
    days = (row.retires_on - timezone.now().date()).days if row.retires_on else None
    if days is None or days > conf.current().retirement_warning_days:
        return None
    text = (
        _("The model of %(row)s was retired on %(date)s.")
        if days <= 0
        else _("The model of %(row)s retires on %(date)s.")
    )
    hint = (
        _("Its successor is %(model)s.") % {"model": row.successor}
        if row.successor
        else _("Choose another model for it.")
    )
    return checks.Warning(text % {"row": row, "date": row.retires_on}, hint=hint, obj=row, id=f"{ID}.W003")


def private_endpoints(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W007: an endpoint that calls refuse."""
    return [
        checks.Warning(f"{row} {why}.", hint=_("Until then the entry is not asked."), obj=row, id=f"{ID}.W007")
        for row in active_rows(databases)
        if (why := endpoints.refusal(row.api_endpoint, row.tier))
    ]


def unknown_providers(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W008: a provider that nobody registered."""
    known = known_providers()
    return [
        checks.Warning(
            _("%(row)s names the unknown provider '%(provider)s'.") % {"row": row, "provider": row.provider},
            hint=did_you_mean(row.provider, known).strip(),
            obj=row,
            id=f"{ID}.W008",
        )
        for row in active_rows(databases)
        if row.provider not in known
    ]


def change_triggers(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W006: other processes would not notice an edit."""
    return [
        checks.Warning(
            _("The triggers that note changes of language models are missing in the database '%(alias)s'.")
            % {"alias": alias},
            hint=_("Run: manage.py migrate. Until then other processes notice an edit only after RELOAD_SECONDS."),
            id=f"{ID}.W006",
        )
        for alias in databases_with_entries(databases)
        if not triggers.installed(connections[alias])
    ]


CHECKS: Final = (keys, tiers, retirements, private_endpoints, unknown_providers, change_triggers)
