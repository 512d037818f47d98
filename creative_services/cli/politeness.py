"""How a command ends: an error is one red line, Ctrl-C and a closed pipe are no accidents."""

import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

from creative_services.cli.console import remark
from creative_services.core.errors import CreativeServicesError, NoEntryError

_DEMO: Final = "creative_services.demo"


class PoliteGroup(TyperGroup):
    """All commands together; whatever ends one of them is told here."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of the command."""
        ctx.meta[_DEMO] = "--demo" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            # Now, while a closed pipe (`| head`) is still caught, and not when the interpreter ends.
            sys.stdout.flush()
        except CreativeServicesError as error:
            remark(f"Error: {error}", "red")
            if isinstance(error, NoEntryError) and not ctx.meta[_DEMO] and not _any_key():
                remark(
                    "No vendor's key is set. Export OPENAI_API_KEY, ANTHROPIC_API_KEY or GROQ_API_KEY, "
                    "or add --demo to try without one."
                )
            raise typer.Exit(1) from error
        except KeyboardInterrupt as interrupt:
            remark("Interrupted.")
            raise typer.Exit(130) from interrupt
        return result


def _any_key() -> bool:
    from creative_services.catalog.access import VARIABLES, access_to
    from creative_services.config import environment

    return any(access_to(provider, environment()) for provider in VARIABLES)
