"""From a command's options to a running site."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import django.db
import whitenoise  # noqa: F401 - missing, it is better told now than by every worker

from creative_services.cli.console import remark
from creative_services.config import environment
from creative_services.server.access.keys import keys_from
from creative_services.server.serve import Serving, refuse_open_door, serve
from django_app.project import data_dir as directory
from django_app.project import greeting
from django_app.project.planes import data_plane, enter, settings_of
from django_app.project.site import Site


def run(*, host: str, port: int, workers: int, data_dir: Path | None, demo: bool) -> int:
    """Run until told to stop; the exit code."""
    site = Site.from_env()
    path = (data_dir or site.data_dir).expanduser().absolute()
    settings = settings_of(site, workers=workers)
    # Every mistake that can be seen without a database is told before anything is made.
    keys_from(environment())
    refuse_open_door(host, has_keys=settings.has_keys)
    directory.prepare(path)
    with directory.held(path):
        site = enter(path)
        administrator = _prepare(demo)
        return _serve(site, host, port, workers, partial(greeting.greet, path, administrator, settings.has_keys))


def _prepare(demo: bool) -> "object":
    from django_app.project import starting

    starting.reach()
    starting.migrate(remark)
    administrator = starting.first_administrator()
    starting.entries(remark, with_demo=demo)
    django.db.connections.close_all()  # the workers' own matter from here on
    return administrator


def _serve(site: Site, host: str, port: int, workers: int, greet: object) -> int:
    from django_app.project.ledger import SiteLedger, Sums

    return serve(
        Serving(
            host=host,
            port=port,
            workers=workers,
            settings=settings_of(site, workers=workers),
            make=partial(data_plane, workers),
            sink=SiteLedger,
            around=_own_connection,
            afterwards=Sums(),
            listening=greet,
        )
    )


@contextmanager
def _own_connection() -> Iterator[None]:
    try:
        yield
    finally:
        django.db.connections.close_all()
