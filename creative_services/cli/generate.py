"""``creative-services generate``: one answer, whole or in pieces."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_services.cli.console import remark, say, say_answer, say_json
from creative_services.cli.options import (
    AsJson,
    Config,
    Demo,
    LLMId,
    MaxTokens,
    Prompt,
    System,
    Temperature,
    Tier,
    Timeout,
    one_of,
)
from creative_services.cli.records import full_record
from creative_services.cli.surroundings import only_said, open_client, run
from creative_services.cli.words import account

if TYPE_CHECKING:
    from creative_services.core.completions import LLMResponse
    from creative_services.llms.client import DynamicLLMClient


def generate(
    prompt: Prompt,
    tier: Tier = None,
    llm_id: LLMId = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer while it comes.")] = False,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    timeout: Timeout = None,
    config: Config = None,
    demo: Demo = False,
    as_json: AsJson = False,
) -> None:
    """Ask one question: the answer goes to standard output, what it cost to standard error.

    --json prints the answer with its account; with --stream, one object per piece and the account as the last line.
    """
    one_of(tier, llm_id)
    options = only_said(
        tier=tier, llm_id=llm_id, system_prompt=system, max_tokens=max_tokens, temperature=temperature, timeout=timeout
    )
    client = open_client(config, demo=demo)
    way = _streamed if stream else _whole
    response = run(way(client, prompt_of(prompt), options, as_json=as_json))
    if not as_json:
        remark(account(response))


def prompt_of(written: str) -> str:
    """The prompt itself, or what standard input says."""
    prompt = sys.stdin.read().rstrip("\n") if written == "-" else written
    if not prompt.strip():
        raise typer.BadParameter("There is nothing to ask.", param_hint="PROMPT")
    return prompt


async def _whole(client: "DynamicLLMClient", prompt: str, options: Any, *, as_json: bool) -> "LLMResponse":
    async with client:
        response = await client.generate(prompt, **options)
    if as_json:
        say_json(full_record(response))
    else:
        say_answer(f"{response.content}\n")
    return response


async def _streamed(client: "DynamicLLMClient", prompt: str, options: Any, *, as_json: bool) -> "LLMResponse":
    async with client, client.stream(prompt, **options) as pieces:
        said = False
        try:
            async for piece in pieces:
                if piece.text:
                    said = True
                    say_answer(_json_line({"text": piece.text}) if as_json else piece.text)
        finally:
            # What comes next, an error or the account, starts on a line of its own.
            if said and not as_json:
                say("")
        response = await pieces.final()
    if as_json:
        say_answer(_json_line(full_record(response)))
    return response


def _json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
