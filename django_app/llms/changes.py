"""A change of an entry, told to everybody: the revision row in the same transaction, this process at its commit."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import connections, transaction
from django.db.models.signals import post_delete, post_migrate, post_save
from django.utils import timezone

from django_app.llms import triggers


def note(using: str) -> None:
    """Call inside the transaction of a change."""
    if not triggers.supported(connections[using]):
        bump(using)
    from creative_services.adapters import django_feed

    django_feed.edited(using)


def bump(using: str, revision: str = "creative_services_llms.Revision") -> None:
    """What the trigger does, for databases where we have none."""
    from secrets import randbits

    from django.db.models import F

    rows = apps.get_model(revision)._base_manager.using(using)
    new = {"token": randbits(62), "changed_at": timezone.now()}
    with transaction.atomic(using=using):
        rows.get_or_create(pk=1)
        rows.filter(pk=1).update(number=F("number") + 1, **new)


def follow_models(config: AppConfig) -> None:
    """Hear of saves and deletes, and put the triggers (back) after every migration."""
    model = config.get_model("Llms")
    post_save.connect(_changed, sender=model, dispatch_uid=f"{__name__}.saved")
    post_delete.connect(_changed, sender=model, dispatch_uid=f"{__name__}.deleted")
    post_migrate.connect(_migrated, sender=config, dispatch_uid=f"{__name__}.migrated")


def _changed(*, using: str, **_: Any) -> None:
    note(using)


def _migrated(*, using: str, **_: Any) -> None:
    # Not only by migration: SQLite loses a table's triggers whenever a later migration rebuilds the table.
    connection = connections[using]
    if triggers.TABLE in connection.introspection.table_names():
        triggers.install(connection)
    from creative_services.adapters import django_feed

    django_feed.forget_all()
