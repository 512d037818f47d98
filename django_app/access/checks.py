"""System checks of the keys; their ids go on where those of the entries end."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from django.apps import apps
from django.core import checks
from django.db import DatabaseError, connections, router
from django.utils import timezone
from django.utils.translation import gettext as _

ID: Final = "creative_services"

Databases = Sequence[str] | None


def register_all() -> None:
    """Called once, from ``ready()``."""
    checks.register(entries_app, checks.Tags.compatibility)
    # Whatever else could be said stands on that app.
    if apps.is_installed("django_app.llms"):
        for check in (no_key, expired, owners, change_triggers):
            checks.register(check, checks.Tags.database)
        checks.register(ages, checks.Tags.database, deploy=True)


def entries_app(**_options: Any) -> list[checks.CheckMessage]:
    """E008: the app this one stands on is missing."""
    if apps.is_installed("django_app.llms"):
        return []
    return [
        checks.Error(
            _("django_app.access needs django_app.llms, which keeps its history and its usage."),
            hint='INSTALLED_APPS += ["django_app.llms", "django_app.access"]',
            id=f"{ID}.E008",
        )
    ]


def _tables(databases: Iterable[str] | None) -> "Iterator[tuple[str, Any]]":
    """Each checked database that holds keys, with its keys; before the first migration there is nothing to check."""
    from django_app.access.changes import KEYS
    from django_app.access.models import AccessKey

    for alias in databases or ():
        try:
            there = KEYS.table in connections[alias].introspection.table_names()
        except DatabaseError:
            continue  # Django's own checks report a database that is away
        if there and router.allow_migrate_model(alias, AccessKey):
            yield alias, AccessKey.objects.using(alias)


def no_key(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W009: nobody could call the gateway."""
    return [
        checks.Warning(
            _("No API key of the database '%(alias)s' works, so a gateway that reads them refuses every call.")
            % {"alias": alias},
            hint=_("Add one in the admin, or run: manage.py access create OWNER"),
            id=f"{ID}.W009",
        )
        for alias, keys in _tables(databases)
        if not keys.working().exists()
    ]


def expired(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W011: a key is still switched on although its time is over."""
    now = timezone.now()
    return [
        checks.Warning(
            _("The API key %(key)s expired on %(date)s and is still switched on.")
            % {"key": key, "date": key.expires_at.date()},
            hint=_("Give it a later end, or revoke it: its callers are refused."),
            obj=key,
            id=f"{ID}.W011",
        )
        for _alias, keys in _tables(databases)
        for key in keys.filter(is_active=True, expires_at__lte=now)
    ]


def owners(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W012: the one who answers for a key has left."""
    return [
        checks.Warning(
            _("The API key %(key)s works, but the account of its user %(user)s is switched off.")
            % {"key": key, "user": key.user},
            hint=_("Revoke it, or name another user."),
            obj=key,
            id=f"{ID}.W012",
        )
        for _alias, keys in _tables(databases)
        for key in keys.working().filter(user__is_active=False).select_related("user")
    ]


def change_triggers(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """W013: gateways would not notice an edit by SQL."""
    from django_app.access.changes import KEYS
    from django_app.llms import triggers

    return [
        checks.Warning(
            _("The triggers that note changes of API keys are missing in the database '%(alias)s'.") % {"alias": alias},
            hint=_("Run: manage.py migrate. Until then no gateway notices a revoked key."),
            id=f"{ID}.W013",
        )
        for alias, _keys in _tables(databases)
        if not triggers.installed(connections[alias], KEYS)
    ]


def ages(*, databases: Databases = None, **_options: Any) -> list[checks.CheckMessage]:
    """S007: a key is older than its rotation period."""
    from django_app.llms import conf

    if any(conf.problems()):
        return []  # E001 reports those
    oldest = timezone.now() - timedelta(days=conf.current().key_age_days)
    return [
        checks.Warning(
            _("The API key %(key)s was made on %(date)s.") % {"key": key, "date": key.created_at.date()},
            hint=_("Rotate it, or raise KEY_AGE_DAYS."),
            obj=key,
            id=f"{ID}.S007",
        )
        for _alias, keys in _tables(databases)
        for key in keys.working().filter(created_at__lt=oldest)
    ]
