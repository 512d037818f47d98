"""The database's own memory of changes: whatever edits the table, the revision row changes in the same transaction."""

from collections.abc import Mapping
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "creative_services_llms"

# Two plain statements instead of an upsert: INSERT OR IGNORE outside would change what an upsert inside means.
_SQLITE: Final = """
CREATE TRIGGER IF NOT EXISTS {name} AFTER {event} ON creative_services_llms BEGIN
  UPDATE creative_services_revision SET number = number + 1, token = random(), changed_at = {now} WHERE id = 1;
  INSERT INTO creative_services_revision (id, number, token, changed_at)
    SELECT 1, 1, random(), {now} WHERE NOT EXISTS (SELECT 1 FROM creative_services_revision WHERE id = 1);
END"""
_SQLITE_NOW: Final = "strftime('%Y-%m-%d %H:%M:%f', 'now')"

_POSTGRESQL_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION creative_services_llms_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO creative_services_revision AS the (id, number, token, changed_at)
    VALUES (1, 1, (random() * 4611686018427387904)::bigint, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET number = the.number + 1, token = excluded.token, changed_at = excluded.changed_at;
  PERFORM pg_notify('creative_services_llms', '');
  RETURN NULL;
END $$"""
_POSTGRESQL_TRIGGER: Final = """
CREATE TRIGGER creative_services_llms_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON creative_services_llms
  FOR EACH STATEMENT EXECUTE FUNCTION creative_services_llms_changed()"""
_POSTGRESQL_DROP: Final = "DROP TRIGGER IF EXISTS creative_services_llms_changed ON creative_services_llms"

_EVENTS: Final = ("insert", "update", "delete")

_INSTALL: Final[Mapping[str, tuple[str, ...]]] = {
    "sqlite": tuple(_SQLITE.format(name=f"{TABLE}_on_{event}", event=event, now=_SQLITE_NOW) for event in _EVENTS),
    "postgresql": (_POSTGRESQL_FUNCTION, _POSTGRESQL_DROP, _POSTGRESQL_TRIGGER),
}
_REMOVE: Final[Mapping[str, tuple[str, ...]]] = {
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS {TABLE}_on_{event}" for event in _EVENTS),
    "postgresql": (_POSTGRESQL_DROP, "DROP FUNCTION IF EXISTS creative_services_llms_changed()"),
}
_COUNT: Final[Mapping[str, tuple[str, int]]] = {
    "sqlite": (
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'creative_services_llms_on_%'",
        len(_EVENTS),
    ),
    "postgresql": (
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'creative_services_llms_changed' "
        "AND tgrelid = 'creative_services_llms'::regclass",
        1,
    ),
}


def supported(connection: BaseDatabaseWrapper) -> bool:
    """Whether we know how to write the triggers of this database."""
    return connection.vendor in _INSTALL


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in place; where they are already, nothing changes."""
    if not installed(connection):
        _run(connection, _INSTALL)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers away."""
    _run(connection, _REMOVE)


def installed(connection: BaseDatabaseWrapper) -> bool:
    """Whether raw SQL edits are followed here; where triggers are unknown, there is nothing to install."""
    if not supported(connection):
        return True
    query, expected = _COUNT[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return bool(cursor.fetchone()[0] == expected)


def _run(connection: BaseDatabaseWrapper, table: Mapping[str, tuple[str, ...]]) -> None:
    with connection.cursor() as cursor:
        for statement in table.get(connection.vendor, ()):
            cursor.execute(statement)
