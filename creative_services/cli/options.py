"""Options that several commands share, described once."""

from pathlib import Path
from typing import Annotated

import typer

from creative_services.core.llm_registry import LLMTier

Prompt = Annotated[
    str, typer.Argument(metavar="PROMPT", help="What to ask; - reads it from standard input.", show_default=False)
]

Tier = Annotated[
    LLMTier | None,
    typer.Option(
        "--tier",
        "-t",
        metavar="TIER",
        case_sensitive=False,
        help=f"Ask the cheapest entry of this tier: {', '.join(LLMTier)}.",
        show_default=False,
    ),
]
LLMId = Annotated[int | None, typer.Option("--llm-id", metavar="ID", help="Ask this one entry.", show_default=False)]

System = Annotated[str | None, typer.Option("--system", metavar="TEXT", help="A system prompt.", show_default=False)]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", metavar="N", min=1, help="The longest answer, in tokens.", show_default=False),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", metavar="NUMBER", min=0, help="How freely the model chooses; 0 is least.", show_default=False
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.001,
        help="Time for the whole call, every try included.",
        show_default=False,
    ),
]

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        dir_okay=False,
        help="A TOML file of entries; as CREATIVE_SERVICES_CONFIG.",
        show_default=False,
    ),
]
Demo = Annotated[bool, typer.Option("--demo", help="Offline stand-ins for every tier; needs no key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def tiers_of(text: str) -> list[LLMTier]:
    """The tiers of a comma-separated list, each once and in its order."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        tiers = list(dict.fromkeys(LLMTier(name) for name in names))
    except ValueError:
        tiers = []
    if not tiers:
        raise typer.BadParameter(f"{text!r} is no list of tiers. Tiers: {', '.join(LLMTier)}.", param_hint="--tiers")
    return tiers


def one_of(tier: LLMTier | None, llm_id: int | None) -> None:
    """Refuse a command that says neither what to ask nor whom, or both."""
    if (tier is None) == (llm_id is None):
        raise typer.BadParameter("Say which tier to ask (--tier economy) or which entry (--llm-id 2); one of the two.")
