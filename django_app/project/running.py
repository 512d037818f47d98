"""From a command's options to a running site."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import django.db

from creative_services.cli.console import remark
from creative_services.config import environment
from creative_services.server.access.keys import keys_from
from creative_services.server.control import process
from creative_services.server.control.process import listening
from creative_services.server.serve import Serving, refuse_open_door, serve
from django_app.project import data_dir as directory
from django_app.project import greeting
from django_app.project.planes import control_plane, data_plane, enter, settings_of
from django_app.project.site import Site


def run(*, host: str, port: int, workers: int, data_dir: Path | None, demo: bool) -> int:
    """Run until told to stop; the exit code."""
    import_module("whitenoise")  # missing, it is better told now than by every worker
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


def _prepare(demo: bool) -> greeting.Administrator | None:
    from django_app.project import starting

    starting.reach()
    starting.migrate(remark)
    administrator = starting.first_administrator()
    starting.entries(remark, with_demo=demo)
    django.db.connections.close_all()  # the workers' own matter from here on
    return administrator


def _serve(site: Site, host: str, port: int, workers: int, greet: Callable[[str], None]) -> int:
    from django_app.project.ledger import SiteLedger, Sums

    with directory.socket_path(site.data_dir) as control, closing(listening(control)) as listener:
        return serve(
            Serving(
                host=host,
                port=port,
                workers=workers,
                settings=settings_of(site, workers=workers),
                make=partial(data_plane, workers, control),
                sink=SiteLedger,
                around=_own_connection,
                afterwards=Sums(),
                beside=(partial(process.run, control_plane, listener),),
                listening=greet,
            )
        )


@contextmanager
def _own_connection() -> Iterator[None]:
    try:
        yield
    finally:
        django.db.connections.close_all()
