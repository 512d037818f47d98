"""A change of a key, told to every gateway: the revision row in the same transaction."""

from typing import Any, Final

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_delete, post_migrate, post_save

from django_app.llms import audit, triggers
from django_app.llms.changes import bump

KEYS: Final = triggers.Watched("creative_services_access_key", "creative_services_access_revision")


def note(using: str) -> None:
    """Call inside the transaction of a change. Where the table has triggers, they have done it."""
    if not triggers.supported(connections[using]):
        bump(using, "creative_services_access.KeyRevision")


def follow_models(config: AppConfig) -> None:
    """Hear of saves and deletes, keep their history, and put the triggers (back) after every migration."""
    model = config.get_model("AccessKey")
    post_save.connect(_changed, sender=model, dispatch_uid=f"{__name__}.saved")
    post_delete.connect(_changed, sender=model, dispatch_uid=f"{__name__}.deleted")
    post_migrate.connect(_migrated, sender=config, dispatch_uid=f"{__name__}.migrated")
    audit.follow(model)


def _changed(*, using: str, **_: Any) -> None:
    note(using)


def _migrated(*, using: str, **_: Any) -> None:
    # SQLite loses a table's triggers whenever a later migration rebuilds the table.
    connection = connections[using]
    if KEYS.table in connection.introspection.table_names():
        triggers.install(connection, KEYS)
