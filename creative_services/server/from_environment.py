"""A gateway out of nothing but environment variables."""

from dataclasses import replace
from functools import partial

from creative_services.config import environment
from creative_services.llms.dict_registry import DictRegistry
from creative_services.server.access.keys import keys_from
from creative_services.server.app import DataPlane
from creative_services.server.build import Parts, build
from creative_services.server.ledger.sqlite_sink import SQLiteSink
from creative_services.server.serve import Serving, serve
from creative_services.server.settings import Settings


def serve_environment(*, host: str, port: int, workers: int) -> int:
    """Run until told to stop; the exit code."""
    environ = environment()
    settings = replace(Settings.from_env(environ), workers=workers)
    keys_from(environ)  # a mistake in them is told here, once, and not by every worker
    DictRegistry.from_env(environ)
    return serve(
        Serving(
            host=host, port=port, workers=workers, settings=settings, make=partial(data_plane, workers), sink=SQLiteSink
        )
    )


def data_plane(workers: int = 1) -> DataPlane:
    """One worker's, of so many."""
    environ = environment()
    settings = replace(Settings.from_env(environ), workers=workers)
    return build(
        Parts(
            registry=DictRegistry.from_env(environ),
            settings=settings,
            keys=keys_from(environ) if settings.has_keys else None,
        )
    )
