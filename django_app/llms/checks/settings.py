"""What can be wrong in the settings alone."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final

from django.conf import settings as django_settings
from django.core import checks
from django.utils.translation import gettext as _

from creative_services.core.errors import CreativeServicesError
from django_app.llms import conf
from django_app.llms.keys import resolving, sealing

ID: Final = "creative_services"


def dictionary(**_options: Any) -> list[checks.CheckMessage]:
    """E001: unknown or ill-typed settings."""
    hint = _("The reference documentation lists every setting with its type and default.")
    return [checks.Error(problem, hint=hint, id=f"{ID}.E001") for problem in conf.problems()]


def _readable() -> conf.Settings | None:
    # Where the dictionary itself is wrong, E001 says so, and the checks of its contents have nothing to read.
    return None if any(conf.problems()) else conf.current()


def encryption_keys(**_options: Any) -> list[checks.CheckMessage]:
    """E006: a master key is malformed, or the package that uses it is missing."""
    if _readable() is None:
        return []
    try:
        sealing.master_keys()
    except CreativeServicesError as error:
        return [checks.Error(str(error), id=f"{ID}.E006")]
    return []


def resolvers(**_options: Any) -> list[checks.CheckMessage]:
    """E005: an installed resolver of key references does not load."""
    return [
        checks.Error(
            _("The resolver of %(scheme)s: references (%(place)s) does not load: %(error)s")
            % {"scheme": scheme, "place": point.value, "error": error},
            hint=_("Reinstall or remove the package that brings it."),
            id=f"{ID}.E005",
        )
        for scheme, point in resolving.installed().items()
        if (error := _loading_error(scheme))
    ]


def _loading_error(scheme: str) -> str | None:
    try:
        resolving.resolver(scheme)
    except Exception as error:  # noqa: BLE001 - importing somebody else's module can raise anything; it is reported
        return f"{type(error).__name__}: {error}"
    return None


def redis(**_options: Any) -> list[checks.CheckMessage]:
    """E007: a Redis is named but cannot be used."""
    found = _readable()
    if found is None or not found.redis_url or find_spec("redis") is not None:
        return []
    hint = _("Install it with: pip install 'creative-services[redis]'")
    return [checks.Error(_("REDIS_URL is set, but the package redis is not installed."), hint=hint, id=f"{ID}.E007")]


def persistent_connections(**_options: Any) -> list[checks.CheckMessage]:
    """W010: persistent connections in an ASGI project pile up, one for each thread that ever ran."""
    if not getattr(django_settings, "ASGI_APPLICATION", None):
        return []
    return list(_persistent())


def _persistent() -> Iterator[checks.CheckMessage]:
    for alias, database in django_settings.DATABASES.items():
        if database.get("CONN_MAX_AGE", 0) != 0:
            yield checks.Warning(
                _("The database '%(alias)s' keeps its connections (CONN_MAX_AGE) in an ASGI project.")
                % {"alias": alias},
                hint=_("Set CONN_MAX_AGE to 0 and, on PostgreSQL, use OPTIONS['pool'] instead."),
                id=f"{ID}.W010",
            )


CHECKS: Final = (dictionary, encryption_keys, resolvers, redis, persistent_connections)
