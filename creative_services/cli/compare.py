"""``creative-services compare``: the same question to several tiers at once, side by side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_services.cli.console import console, on_terminal, say, say_json, without_controls
from creative_services.cli.generate import prompt_of
from creative_services.cli.options import (
    AsJson,
    Config,
    Demo,
    MaxTokens,
    Prompt,
    System,
    Temperature,
    Timeout,
    tiers_of,
)
from creative_services.cli.records import error_record, full_record
from creative_services.cli.surroundings import only_said, open_client, run
from creative_services.cli.words import account, seconds, tokens, usd
from creative_services.core.completions import LLMResponse
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMTier

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from creative_services.llms.client import DynamicLLMClient

Tiers = Annotated[str, typer.Option("--tiers", help="Tiers, parted by commas.", metavar="TIER,TIER")]

# Narrower columns break every line; the answers then stand below each other.
_NARROWEST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one tier said, or why it did not."""

    tier: LLMTier
    response: LLMResponse | None = None
    error: CreativeServicesError | None = None


def compare(
    prompt: Prompt,
    tiers: Tiers = "economy,premium",
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    timeout: Timeout = None,
    config: Config = None,
    demo: Demo = False,
    as_json: AsJson = False,
) -> None:
    """Ask several tiers at once and show answers, costs and times side by side.

    Exit code 1 when one of them has no answer.
    """
    options = only_said(system_prompt=system, max_tokens=max_tokens, temperature=temperature, timeout=timeout)
    asked = tiers_of(tiers)
    client = open_client(config, demo=demo)
    replies = run(_ask(client, prompt_of(prompt), asked, options))
    if as_json:
        say_json([_record(reply) for reply in replies])
    elif on_terminal() and console().width >= _NARROWEST * len(replies):
        console().print(_table(replies))
    else:
        _one_by_one(replies)
    if any(reply.error for reply in replies):
        raise typer.Exit(1)


async def _ask(client: "DynamicLLMClient", prompt: str, tiers: list[LLMTier], options: Any) -> list[Reply]:
    import asyncio

    async with client:
        return await asyncio.gather(*(_reply(client, prompt, tier, options) for tier in tiers))


async def _reply(client: "DynamicLLMClient", prompt: str, tier: LLMTier, options: Any) -> Reply:
    try:
        return Reply(tier=tier, response=await client.generate(prompt, tier=tier, **options))
    except CreativeServicesError as error:
        return Reply(tier=tier, error=error)


def _record(reply: Reply) -> dict[str, Any]:
    return {
        "tier": reply.tier.value,
        "response": full_record(reply.response) if reply.response else None,
        "error": error_record(reply.error) if reply.error else None,
    }


def _one_by_one(replies: list[Reply]) -> None:
    for place, reply in enumerate(replies):
        text = reply.response.content if reply.response else f"Error: {reply.error}"
        say(f"{chr(10) if place else ''}== {reply.tier}")
        say(without_controls(text) if on_terminal() else text)
        if reply.response:
            say(f"-- {account(reply.response)}")


def _table(replies: list[Reply]) -> "Table":
    from rich.box import ROUNDED
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ROUNDED, expand=True, show_footer=True)
    for reply in replies:
        table.add_column(_heading(reply), _footing(reply), ratio=1, overflow="fold")
    table.add_row(
        *(
            Text(without_controls(reply.response.content)) if reply.response else Text(str(reply.error), "red")
            for reply in replies
        )
    )
    return table


def _heading(reply: Reply) -> "Text":
    from rich.text import Text

    llm = reply.response.llm if reply.response else None
    who = f"\n{llm.name}\n{llm.provider}/{llm.model}" if llm else ""
    return Text.assemble((reply.tier.value, "bold cyan"), (who, "dim"))


def _footing(reply: Reply) -> "Text":
    from rich.text import Text

    if reply.response is None:
        return Text("no answer", "red")
    figures = (tokens(reply.response.usage), usd(reply.response.cost), seconds(reply.response.latency))
    return Text("\n".join(figures), "dim")
