"""``creative-services replicas``: the routing service, and a look at a roster."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from creative_services.cli.console import remark, say, say_json
from creative_services.cli.options import AsJson
from creative_services.cli.tables import say_columns
from creative_services.config import environment, setting

if TYPE_CHECKING:
    from creative_services.cli.replicas_source import Source

replicas = typer.Typer(name="replicas", help="Self-hosted servers: route to them, list them.", no_args_is_help=True)

# Not an option: everybody on the machine can read the arguments of a process.
TOKEN_VARIABLE: Final = "CREATIVE_SERVICES_REPLICAS_TOKEN"  # noqa: S105 - a variable's name

Where = Annotated[
    str, typer.Argument(metavar="WHERE", help="A store (redis://..., a folder) or a service (http://host:8080).")
]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Only this model.", show_default=False)]
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@replicas.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8080,
    store: Annotated[
        str | None, typer.Option(help="Where several processes keep one roster, such as redis://127.0.0.1:6379/0.")
    ] = None,
    shared_port: Annotated[bool, typer.Option(help="Let several processes listen on the same port.")] = False,
) -> None:
    """Run the routing service. CREATIVE_SERVICES_REPLICAS_TOKEN, when set, is asked of everybody."""
    from creative_services.server.replicas import routing_service
    from creative_services.server.replicas.serve import listening, serve
    from creative_services.stores import open_store

    token = setting(environment(), TOKEN_VARIABLE)
    if host not in _LOOPBACK and token is None:
        remark(f"Anybody who reaches {host} may register and route. Set {TOKEN_VARIABLE} to ask for a token.", "yellow")
    app = routing_service(open_store(store) if store else None, token=token)
    listener = listening(host, port, shared=shared_port)
    remark(f"Routing on http://{host}:{listener.getsockname()[1]} - register with POST /register, ask GET /route?k=v")
    serve(app, listener)


@replicas.command()
def summary(where: Where, as_json: AsJson = False) -> None:
    """How many replicas serve each model."""
    counts = _source(where).counts()
    if as_json:
        say_json(counts)
    else:
        say_columns(("MODEL", "REPLICAS"), [(model, str(count)) for model, count in sorted(counts.items())])


@replicas.command()
def detail(where: Where, model: Model = None, as_json: AsJson = False) -> None:
    """Each replica: where it answers, what it can do, how busy it says it is."""
    found = [row for row in _source(where).rows() if model is None or row.model == model]
    if as_json:
        say_json([row.document for row in found])
    else:
        say_columns(("MODEL", "ENDPOINT", "STATE", "AGE", "LAST 15 MIN", "CAPABILITIES"), [row.cells for row in found])


@replicas.command()
def watch(where: Where, as_json: AsJson = False) -> None:
    """Tell what comes and goes, until Ctrl-C."""
    import json

    for event, row in _source(where).changes():
        if as_json:
            say(json.dumps({"event": event, **row.document}))
        else:
            say(f"{event:<10}  {row.model}  {row.endpoint}")


@replicas.command()
def register(
    where: Where,
    endpoint: Annotated[str, typer.Argument(help="Where the replica answers: host:port, or a URL.")],
    capability: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="What it can do.")],
    replica_id: Annotated[str | None, typer.Option("--id", help="Its id.", show_default=False)] = None,
) -> None:
    """Register a replica, and keep it registered until Ctrl-C."""
    from creative_services.cli.replicas_source import pairs_of, until_interrupted

    with _source(where).registered(endpoint, pairs_of(capability), replica_id) as name:
        remark(f"{name} is registered. Ctrl-C takes it off.")
        until_interrupted()


def _source(where: str) -> "Source":
    # Loaded by the commands that need it: a loop and its kin are most of what it costs.
    from creative_services.cli.replicas_source import Source

    return Source(where, setting(environment(), TOKEN_VARIABLE))
