"""``creative-services batch``: a file of prompts, answered in order, going on where a broken run stopped."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from creative_services.cli.console import console, on_terminal, remark
from creative_services.cli.options import Config, Demo, LLMId, MaxTokens, System, Temperature, Tier, Timeout, one_of
from creative_services.cli.questions import Question, read_questions
from creative_services.cli.records import error_record, response_record
from creative_services.cli.surroundings import only_said, open_client
from creative_services.cli.words import usd
from creative_services.core.errors import ConfigurationError

if TYPE_CHECKING:
    from creative_services.llms.batch import Result
    from creative_services.llms.progress import Progress

Prompts = Annotated[
    Path,
    typer.Argument(
        metavar="PROMPTS",
        help="One prompt per line, as text or as a JSON object with options of its own; - reads standard input.",
        show_default=False,
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Where the answers go, one JSON object per line; - prints them."
    ),
]
KeptIn = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Keeps each answer as it comes; a run that finds one goes on from there. "
        "Without it: OUTPUT.journal, removed when every prompt has its answer.",
        show_default=False,
    ),
]
Concurrency = Annotated[int, typer.Option("--concurrency", "-c", metavar="N", min=1, help="Prompts under way at once.")]

_FAILURES_SHOWN: Final = 20


def batch(
    prompts: Prompts,
    tier: Tier = None,
    llm_id: LLMId = None,
    output: Output = Path("-"),
    journal: KeptIn = None,
    concurrency: Concurrency = 32,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    timeout: Timeout = None,
    config: Config = None,
    demo: Demo = False,
) -> None:
    """Ask many prompts; a run that was stopped goes on where it stopped.

    Exit code 1 when some have no answer; the same command asks only those again.
    """
    one_of(tier, llm_id)
    options = only_said(
        tier=tier, llm_id=llm_id, system_prompt=system, max_tokens=max_tokens, temperature=temperature, timeout=timeout
    )
    _check_room(output)
    questions = read_questions(prompts, options)
    kept_in = journal or _journal_beside(output)
    client = open_client(config, demo=demo)
    with _progress(len(questions)) as progress:
        try:
            results = asyncio.run(_ask(client, questions, options, concurrency, progress, kept_in))
        except KeyboardInterrupt:
            if kept_in:
                remark(f"The answers so far are kept in {kept_in}; the same command goes on from there.")
            raise
    _write(output, questions, results)
    _finish(questions, results, output, kept_in if journal is None else None)


def _check_room(output: Path) -> None:
    # Before anything is asked: answers that have nowhere to go cost as much as others.
    if str(output) != "-" and (output.is_dir() or not output.parent.is_dir()):
        raise ConfigurationError(f"{output} cannot be written: name a file in a directory that exists.")


def _journal_beside(output: Path) -> Path | None:
    return None if str(output) == "-" else output.with_name(f"{output.name}.journal")


async def _ask(
    client: Any,
    questions: Sequence[Question],
    options: Any,
    concurrency: int,
    progress: "Progress",
    journal: Path | None,
) -> "list[Result]":
    async with client:
        results: list[Result] = await client.generate_many(
            [question.item for question in questions],
            concurrency=concurrency,
            progress=progress,
            journal=journal,
            **options,
        )
    return results


@contextmanager
def _progress(total: int) -> "Iterator[Progress]":
    if not on_terminal(sys.stderr):
        from creative_services.llms.progress import no_progress

        yield no_progress
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console(err=True), redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("", total=total)

        def report(tally: Any) -> None:
            failed = f", [red]{tally.failed} failed[/]" if tally.failed else ""
            bar.update(task, completed=tally.done, description=f"{usd(tally.cost)}{failed}")

        yield report


def _write(output: Path, questions: Sequence[Question], results: "Sequence[Result]") -> None:
    lines = (json.dumps(_record(q, r), ensure_ascii=False) + "\n" for q, r in zip(questions, results, strict=True))
    if str(output) == "-":
        sys.stdout.writelines(lines)
        return
    part = output.with_name(f"{output.name}.part")
    try:
        # All or nothing: whoever watches the file never reads half of it.
        with part.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        os.replace(part, output)  # noqa: PTH105 - Path.replace is the same, and its return value invites mistakes
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror}.") from error


def _record(question: Question, result: "Result") -> dict[str, Any]:
    place = {"line": question.line} | ({} if question.id is None else {"id": question.id})
    if result.response is not None:
        return {**place, "ok": True, **response_record(result.response)}
    return {**place, "ok": False, "error": error_record(result.error) if result.error else None}


def _finish(questions: Sequence[Question], results: "Sequence[Result]", output: Path, own_journal: Path | None) -> None:
    failed = [(q.line, r.error) for q, r in zip(questions, results, strict=True) if not r.ok]
    where = "" if str(output) == "-" else f" in {output}"
    remark(f"{len(results) - len(failed)} of {len(results)} answered{where}: {_spent(results)}.")
    if failed:
        _tell_failures(failed)
        raise typer.Exit(1)
    if own_journal:
        own_journal.unlink(missing_ok=True)


def _spent(results: "Sequence[Result]") -> str:
    costs = [result.cost for result in results if result.ok]
    unpriced = costs.count(None)
    known = usd(sum((cost for cost in costs if cost is not None), Decimal(0)))
    return f"{known} and {unpriced} at an unknown price" if unpriced else known


def _tell_failures(failed: Sequence[tuple[int, BaseException | None]]) -> None:
    for line, error in failed[:_FAILURES_SHOWN]:
        remark(f"  line {line}: {type(error).__name__}: {error}", "red")
    if len(failed) > _FAILURES_SHOWN:
        remark(f"  and {len(failed) - _FAILURES_SHOWN} more", "red")
    remark(f"The same command asks only the {len(failed)} without an answer again.")
