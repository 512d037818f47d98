"""``DATABASE_URL`` as Django's setting; without one, SQLite in the data directory."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from creative_services.core.errors import ConfigurationError, MissingDependencyError
from creative_services.core.secrets import Secret
from django_app.project.data_dir import DATABASE

_ADVICE: Final = "Write postgresql://USER:PASSWORD@HOST:5432/NAME, with special characters percent-encoded."
_SCHEMES: Final = ("postgresql", "postgres", "sqlite")
# A page that asks is refused after so long, and says so; without a limit it would hold its thread for minutes.
_CONNECT_SECONDS: Final = 5
_SQLITE: Final[dict[str, Any]] = {
    # Writers take turns from their first word on, so that none is told half-way that it must start over.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: what is told to be stored is stored, also when the power fails; the ledger's spool relies on it.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def database(url: Secret | None, data_dir: Path) -> dict[str, Any]:
    """The default database."""
    if url is None:
        return _sqlite(data_dir / DATABASE)
    scheme, _, rest = url.reveal().partition("://")
    if scheme not in _SCHEMES:
        # Without "://" it may be anything, a password too.
        begins = f"begins with {scheme}://, which is not known here" if "://" in url.reveal() else "is no URL"
        raise ConfigurationError(f"DATABASE_URL {begins}. {_ADVICE}")
    found = _parsed(url)
    if scheme == "sqlite":
        if not rest.strip("/") or found["NAME"] == ":memory:":
            raise ConfigurationError("DATABASE_URL: sqlite:// needs a file, as in sqlite:////var/lib/site.sqlite3.")
        return _sqlite(Path(found["NAME"]))
    _require_driver()
    if not found.get("NAME"):
        raise ConfigurationError(f"DATABASE_URL names no database. {_ADVICE}")
    # Persistent connections are right here: pages are made by a fixed number of threads.
    found |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    found["OPTIONS"] = {"connect_timeout": _CONNECT_SECONDS, **found.get("OPTIONS", {})}
    return found


def _require_driver() -> None:
    try:
        import_module("psycopg")
    except ModuleNotFoundError as error:
        raise MissingDependencyError("PostgreSQL", extra="postgres", missing="psycopg") from error


def _parsed(url: Secret) -> dict[str, Any]:
    try:
        import dj_database_url
    except ModuleNotFoundError as error:
        raise MissingDependencyError("DATABASE_URL", extra="up", missing="dj-database-url") from error
    try:
        return dict(dj_database_url.parse(url.reveal()))
    except ValueError:
        # The library's own words are about URLs in general, and the URL holds a password.
        raise ConfigurationError(f"DATABASE_URL is no URL. {_ADVICE}") from None


def _sqlite(path: Path) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": dict(_SQLITE)}
