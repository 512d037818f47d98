"""``creative-services batch``: a file of prompts, answered in order, going on where a broken run stopped."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_services.cli.answers import tell, write_answers
from creative_services.cli.console import console, on_terminal, remark
from creative_services.cli.options import Config, Demo, LLMId, MaxTokens, System, Temperature, Tier, Timeout, one_of
from creative_services.cli.questions import Question, read_questions
from creative_services.cli.surroundings import only_said, open_client, run
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
            results = run(_ask(client, questions, options, concurrency, progress, kept_in))
        except KeyboardInterrupt:
            if kept_in:
                remark(f"The answers so far are kept in {kept_in}; the same command goes on from there.")
            raise
    outcomes = list(zip(questions, results, strict=True))
    write_answers(output, outcomes)
    failed = tell(output, outcomes)
    if failed and kept_in:
        remark("The same command asks only those without an answer again.")
    if failed:
        raise typer.Exit(1)
    if kept_in and journal is None:
        kept_in.unlink(missing_ok=True)


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
