"""The prompts of a batch, read from a file: one JSON object, or plain text, per line."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from creative_services.core.errors import ConfigurationError, CreativeServicesError

# What JSON may hold where. Options that are not here are judged by the call itself.
_KINDS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    **dict.fromkeys(("prompt", "system_prompt", "tier", "user_id"), ((str,), "text")),
    **dict.fromkeys(("max_tokens", "llm_id", "seed"), ((int,), "a whole number")),
    **dict.fromkeys(("temperature", "timeout"), ((int, float), "a number")),
    **dict.fromkeys(("messages", "tools", "fallback_tiers"), ((list,), "a list")),
    **dict.fromkeys(("metadata", "extra", "response_model"), ((dict,), "an object")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One prompt: the line it stands on, an id of the user's own to find the answer by, and what to ask."""

    line: int
    id: Any = None
    item: str | Mapping[str, Any]


def read_questions(path: Path, options: Mapping[str, Any]) -> list[Question]:
    """Every question of the file; a mistake is told with its line before anything is asked."""
    questions = list(_questions(path))
    if not questions:
        raise ConfigurationError(f"{path} holds no prompt.")
    for question in questions:
        _check(question, options, path)
    return questions


def _questions(path: Path) -> Iterator[Question]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        text = line.strip()
        if text.startswith("{"):
            item = _object(text, number, path)
            _check_kinds(item, number, path)
            own_id = item.pop("id", None)
            yield Question(line=number, id=own_id, item=_by_id_alone(item))
        elif text:
            yield Question(line=number, item=text)


def _text(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text: {error}.") from error


def _object(text: str, number: int, path: Path) -> dict[str, Any]:
    try:
        item: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{path}, line {number} begins like JSON and is none: {error}. "
            'A prompt that begins with a brace is written {"prompt": "..."}.'
        ) from None
    return item


def _check_kinds(item: dict[str, Any], number: int, path: Path) -> None:
    for name, value in item.items():
        kinds, words = _KINDS.get(name, ((object,), "anything"))
        # JSON's true is a Python integer, and nobody's max_tokens.
        if not isinstance(value, kinds) or (isinstance(value, bool) and object not in kinds):
            raise ConfigurationError(f"{path}, line {number}: {name} must be {words}, not {json.dumps(value)}.")


def _by_id_alone(item: dict[str, Any]) -> dict[str, Any]:
    # An entry's id in the line overrules the tier of the command line, and the other way round.
    if "llm_id" in item and "tier" not in item:
        return {**item, "tier": None}
    return {**item, "llm_id": None} if "tier" in item and "llm_id" not in item else item


def _check(question: Question, options: Mapping[str, Any], path: Path) -> None:
    from creative_services.llms.asking import understand  # its weight is for calls, not for every command

    asked: dict[str, Any] = {"prompt": question.item} if isinstance(question.item, str) else dict(question.item)
    merged: Any = {**options, **asked}
    try:
        understand(merged.pop("prompt", None), merged)
    except (CreativeServicesError, TypeError) as error:  # an unknown option is a TypeError, as for a function
        raise ConfigurationError(f"{path}, line {question.line}: {error}") from error
