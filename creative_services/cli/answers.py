"""What a batch leaves behind: a file of answers in the order of the prompts, and a word on what failed."""

import json
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from creative_services.cli.console import remark
from creative_services.cli.questions import Question
from creative_services.cli.records import error_record, response_record
from creative_services.cli.words import usd
from creative_services.core.errors import ConfigurationError

if TYPE_CHECKING:
    from creative_services.llms.batch import Result

Outcomes = Sequence[tuple[Question, "Result"]]

_FAILURES_SHOWN: Final = 20


def write_answers(output: Path, outcomes: Outcomes) -> None:
    """One JSON object per prompt, in order; the file is there whole or not at all."""
    lines = (json.dumps(_record(*each), ensure_ascii=False) + "\n" for each in outcomes)
    if str(output) == "-":
        sys.stdout.writelines(lines)
        return
    try:
        _replace(output, lines)
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror}.") from error


def _replace(output: Path, lines: Iterable[str]) -> None:
    part = output.with_name(f"{output.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(lines)
    part.replace(output)


def _record(question: Question, result: "Result") -> dict[str, Any]:
    place = {"line": question.line} | ({} if question.id is None else {"id": question.id})
    if result.response is not None:
        return {**place, "ok": True, **response_record(result.response)}
    return {**place, "ok": False, "error": error_record(result.error) if result.error else None}


def tell(output: Path, outcomes: Outcomes) -> int:
    """Say how many were answered, what it cost, and which lines failed; returns how many did."""
    failed = [(question.line, result.error) for question, result in outcomes if not result.ok]
    where = "" if str(output) == "-" else f" in {output}"
    remark(f"{len(outcomes) - len(failed)} of {len(outcomes)} answered{where}: {_spent(outcomes)}.")
    for line, error in failed[:_FAILURES_SHOWN]:
        remark(f"  line {line}: {type(error).__name__}: {error}", "red")
    if len(failed) > _FAILURES_SHOWN:
        remark(f"  and {len(failed) - _FAILURES_SHOWN} more", "red")
    return len(failed)


def _spent(outcomes: Outcomes) -> str:
    costs = [result.cost for _, result in outcomes if result.ok]
    unpriced = costs.count(None)
    known = usd(sum((cost for cost in costs if cost is not None), Decimal(0)))
    return f"{known}, and {unpriced} at an unknown price" if unpriced else known
