"""Options that several commands share, described once."""

from pathlib import Path
from typing import Annotated

import typer

from creative_services.core.llm_registry import LLMTier

Prompt = Annotated[str, typer.Argument(help="What to ask; - reads it from standard input.", show_default=False)]

Tier = Annotated[
    LLMTier | None,
    typer.Option("--tier", "-t", case_sensitive=False, help="Ask the cheapest entry of this tier.", show_default=False),
]
LLMId = Annotated[int | None, typer.Option("--llm-id", help="Ask this one entry.", show_default=False)]

System = Annotated[str | None, typer.Option("--system", help="A system prompt.", show_default=False)]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", min=1, help="The longest answer, in tokens.", show_default=False)
]
Temperature = Annotated[float | None, typer.Option("--temperature", min=0, help="0 is the driest.", show_default=False)]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=0.001, help="Seconds for the whole call, every try included.", show_default=False),
]

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="A TOML file of entries; as CREATIVE_SERVICES_CONFIG.", dir_okay=False, show_default=False
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
