"""All commands, under one name."""

import logging
from typing import Annotated

import typer

from creative_services.cli.batch import batch
from creative_services.cli.compare import compare
from creative_services.cli.console import say
from creative_services.cli.doctor import doctor
from creative_services.cli.explain import explain
from creative_services.cli.generate import generate
from creative_services.cli.llms import llms
from creative_services.cli.named import NamedCommands
from creative_services.cli.prices import prices
from creative_services.cli.replicas import replicas
from creative_services.cli.serve import serve

app = typer.Typer(
    cls=NamedCommands,
    name="creative-services",
    help="Ask for a tier, not a model.",
    no_args_is_help=True,
    # A pretty traceback shows local variables, and keys are among them.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (llms, explain, generate, compare, batch, doctor, prices, serve):
    app.command()(command)
app.add_typer(replicas)


def _show_version(wanted: bool) -> None:
    if wanted:
        from creative_services import __version__

        say(f"creative-services {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log on standard error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Ask for a tier, not a model."""
    logger = logging.getLogger("creative_services")
    if verbose:
        handler: logging.Handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logger.setLevel(logging.INFO)
    else:
        # What the log would warn of, `llms` and `doctor` show.
        handler = logging.NullHandler()
    logger.addHandler(handler)
