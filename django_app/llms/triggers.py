"""The database's own memory of changes: whatever edits a table, its revision row changes in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "creative_services_llms"


@dataclass(frozen=True, slots=True)
class Watched:
    """A table and the table of the one row that tells of its changes. PostgreSQL also notifies the table's name."""

    table: str
    revision: str


ENTRIES: Final = Watched(TABLE, "creative_services_revision")

# Two plain statements instead of an upsert: INSERT OR IGNORE outside would change what an upsert inside means.
_SQLITE: Final = """
CREATE TRIGGER IF NOT EXISTS {table}_on_{event} AFTER {event} ON {table} BEGIN
  UPDATE {revision} SET number = number + 1, token = random(), changed_at = {now} WHERE id = 1;
  INSERT INTO {revision} (id, number, token, changed_at)
    SELECT 1, 1, random(), {now} WHERE NOT EXISTS (SELECT 1 FROM {revision} WHERE id = 1);
END"""
_SQLITE_NOW: Final = "strftime('%Y-%m-%d %H:%M:%f', 'now')"

_POSTGRESQL_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION {table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {revision} AS the (id, number, token, changed_at)
    VALUES (1, 1, (random() * 4611686018427387904)::bigint, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET number = the.number + 1, token = excluded.token, changed_at = excluded.changed_at;
  PERFORM pg_notify('{table}', '');
  RETURN NULL;
END $$"""
_POSTGRESQL_TRIGGER: Final = """
CREATE TRIGGER {table}_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed()"""
_POSTGRESQL_DROP: Final = "DROP TRIGGER IF EXISTS {table}_changed ON {table}"

_EVENTS: Final = ("insert", "update", "delete")

Statements = Mapping[str, tuple[str, ...]]

_INSTALL: Final[Statements] = {
    "sqlite": tuple(_SQLITE.replace("{event}", event).replace("{now}", _SQLITE_NOW) for event in _EVENTS),
    "postgresql": (_POSTGRESQL_FUNCTION, _POSTGRESQL_DROP, _POSTGRESQL_TRIGGER),
}
_REMOVE: Final[Statements] = {
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS {{table}}_on_{event}" for event in _EVENTS),
    "postgresql": (_POSTGRESQL_DROP, "DROP FUNCTION IF EXISTS {table}_changed()"),
}
_COUNT: Final[Mapping[str, tuple[str, int]]] = {
    "sqlite": (
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{table}_on_%'",
        len(_EVENTS),
    ),
    "postgresql": (
        "SELECT count(*) FROM pg_trigger WHERE tgname = '{table}_changed' AND tgrelid = '{table}'::regclass",
        1,
    ),
}


def supported(connection: BaseDatabaseWrapper) -> bool:
    """Whether we know how to write the triggers of this database."""
    return connection.vendor in _INSTALL


def install(connection: BaseDatabaseWrapper, watched: Watched = ENTRIES) -> None:
    """Put the triggers in place; where they are already, nothing changes."""
    if not installed(connection, watched):
        _run(connection, _INSTALL, watched)


def remove(connection: BaseDatabaseWrapper, watched: Watched = ENTRIES) -> None:
    """Take the triggers away."""
    _run(connection, _REMOVE, watched)


def installed(connection: BaseDatabaseWrapper, watched: Watched = ENTRIES) -> bool:
    """Whether raw SQL edits are followed here; where triggers are unknown, there is nothing to install."""
    if not supported(connection):
        return True
    query, expected = _COUNT[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(_about(query, watched))
        return bool(cursor.fetchone()[0] == expected)


def _run(connection: BaseDatabaseWrapper, statements: Statements, watched: Watched) -> None:
    with connection.cursor() as cursor:
        for statement in statements.get(connection.vendor, ()):
            cursor.execute(_about(statement, watched))


def _about(statement: str, watched: Watched) -> str:
    return statement.replace("{table}", watched.table).replace("{revision}", watched.revision)
