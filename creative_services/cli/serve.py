"""``creative-services serve``: the gateway alone, from the environment."""

from typing import Annotated

import typer

from creative_services.core.errors import MissingDependencyError


def serve(
    host: Annotated[str, typer.Option("--host", help="Where to listen; without keys only this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes any free one.")] = 8080,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes; one per core.")] = 1,
) -> None:
    """Serve every entry to any OpenAI or Anthropic client.

    Keys for callers come from CREATIVE_SERVICES_GATEWAY_KEYS; SIGTERM ends it without cutting a request.
    """
    try:
        from creative_services.server.from_environment import serve_environment
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("creative_services"):
            raise
        raise MissingDependencyError("`serve`", extra="server", missing=missing) from error
    raise typer.Exit(serve_environment(host=host, port=port, workers=workers))
