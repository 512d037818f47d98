"""``creative-services up``: everything in one, on one port."""

from pathlib import Path
from typing import Annotated

import typer

from creative_services.core.errors import MissingDependencyError


def up(
    host: Annotated[str, typer.Option("--host", help="Where to listen; without keys only this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes any free one.")] = 8080,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes of the gateway; one per core.")] = 1,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Where everything is kept.", show_default=False)
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Add an offline entry to each tier that has none.")] = False,
) -> None:
    """Run the whole: admin, gateway, usage and routing of replicas, on one port.

    SQLite in the data directory unless DATABASE_URL names PostgreSQL; REDIS_URL and NATS_URL take over what several
    machines share. The first administrator's password comes from CREATIVE_SERVICES_ADMIN_PASSWORD, or is printed once.
    """
    try:
        from django_app.project.running import run
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing.startswith(("creative_services", "django_app")):
            raise
        raise MissingDependencyError("`up`", extra="up", missing=missing) from error
    raise typer.Exit(run(host=host, port=port, workers=workers, data_dir=data_dir, demo=demo))
