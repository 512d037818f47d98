"""From a command's options to a running site."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import django.db

from creative_services.cli.console import remark
from creative_services.config import environment
from creative_services.server.access.keys import keys_from
from creative_services.server.control import process
from creative_services.server.serve import Serving, is_loopback, refuse_open_door, serve
from django_app.project import data_dir as directory
from django_app.project.greeting import Greeting
from django_app.project.planes import control_plane, data_plane, enter, settings_of
from django_app.project.replicas import has_token, refuse_unreadable
from django_app.project.site import Site


def run(*, host: str, port: int, workers: int, data_dir: Path | None, demo: bool) -> int:
    """Run until told to stop; the exit code."""
    import_module("whitenoise")  # missing, it is better told now than by every worker
    site = Site.from_env()
    path = (data_dir or site.data_dir).expanduser().absolute()
    # Every mistake that can be seen without the database is told before anything is made.
    keys_from(environment())
    refuse_unreadable(site)
    settings_of(site, workers=workers)
    directory.prepare(path)
    with directory.held(path):
        return _serve(host, port, workers, enter(path, host=host), demo)


def _serve(host: str, port: int, workers: int, site: Site, demo: bool) -> int:
    # Django is set up by now, and its models can be had.
    from django_app.project import keys, starting
    from django_app.project.ledger import SiteLedger, Sums, own_connection

    starting.prepare(remark, with_demo=demo)
    has_keys = keys.any_valid()
    refuse_open_door(host, has_keys=has_keys)
    django.db.connections.close_all()  # the workers' own matter from here on
    with directory.socket_path(site.data_dir) as control, closing(process.listening(control)) as listener:
        return serve(
            Serving(
                host=host,
                port=port,
                workers=workers,
                settings=replace(settings_of(site, workers=workers), has_keys=has_keys),
                make=partial(data_plane, workers, control, local=is_loopback(host)),
                sink=SiteLedger,
                around=own_connection,
                afterwards=Sums(),
                beside=(partial(process.run, control_plane, listener),),
                listening=Greeting(
                    data_dir=site.data_dir,
                    public_url=site.public_url,
                    has_keys=has_keys,
                    has_routing=is_loopback(host) or has_token(),
                ),
            )
        )
