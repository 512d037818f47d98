"""A file of finished answers, one JSON object a line, that survives a crash in the middle of a line."""

import json
from contextlib import ExitStack
from dataclasses import asdict
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from creative_services.core.completions import LLMResponse, ToolCall
from creative_services.core.errors import ConfigurationError, CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.llms.asking import Asked

_ENTRY_FIELDS = ("id", "name", "provider", "model")
_ANSWER_FIELDS = ("content", "finish_reason", "model", "request_id", "latency")


class JournalError(CreativeServicesError):
    """The journal cannot be read or written."""


class Journal:
    """Answers by place and question: a prompt that was changed, or moved, is asked again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            try:
                self._file = opening.enter_context(self._path.open("a+b"))
                _lock(self._file, self._path)
                self._read()
            except OSError as error:
                raise JournalError(f"The journal {self._path} cannot be opened: {error.strerror}.") from error
            opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _read(self) -> None:
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break  # the last run died while writing this line
            whole += len(line)
            record = _record(line, self._path)
            self._known[record["key"]] = record
        self._file.truncate(whole)

    def answer(self, index: int, asked: Asked) -> LLMResponse | None:
        """The answer kept for this question at this place, if any."""
        # Handed out once: a batch of a million must not hold every answer twice.
        record = self._known.pop(_key(index, asked), None)
        return _revived(record, asked) if record else None

    def keep(self, index: int, asked: Asked, response: LLMResponse) -> None:
        """Write one answer, whole or not at all."""
        text = json.dumps(_kept(_key(index, asked), response), ensure_ascii=False)
        # A model cut off in the middle of an emoji leaves half of one, which plain UTF-8 refuses; json reads it back.
        line = text.encode("utf-8", "surrogatepass") + b"\n"
        try:
            self._file.write(line)
            # Out of our own buffer, so that kill -9 loses nothing; a power cut may cost the last lines.
            self._file.flush()
        except OSError as error:
            raise JournalError(
                f"The journal {self._path} cannot be written: {error.strerror}. "
                "What it holds is safe: mend the cause and start the same batch again, it goes on from there."
            ) from error


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two runs on one journal are then the user's to avoid
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationError(
            f"The journal {path} is in use by another run. Wait for it, or name another."
        ) from None


def _record(line: bytes, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(line)
        record["key"], record["llm"], record["content"]
    except (ValueError, KeyError, TypeError):
        raise JournalError(f"{path} is not a journal of ours: {line[:80]!r}. Name another file.") from None
    else:
        return dict(record)


def _key(index: int, asked: Asked) -> str:
    """The place and the question; not the tier, which may be re-priced between two runs."""
    request = asked.request
    question = [list(map(dict, request.messages)), [dict(t) for t in request.tools], request.schema, request.max_tokens]
    text = json.dumps([*question, request.temperature, request.stop], sort_keys=True, default=_plain)
    return f"{index}:{sha256(text.encode()).hexdigest()[:32]}"


def _plain(value: Any) -> Any:
    return sha256(value).hexdigest() if isinstance(value, bytes) else repr(value)


def _kept(key: str, response: LLMResponse) -> dict[str, Any]:
    llm = response.llm
    return {
        "key": key,
        "llm": {name: getattr(llm, name) for name in _ENTRY_FIELDS} | {"tier": llm.tier.value},
        **{name: getattr(response, name) for name in _ANSWER_FIELDS},
        "tool_calls": [asdict(call) for call in response.tool_calls],
        "usage": asdict(response.usage) if response.usage else None,
        "cost": None if response.cost is None else str(response.cost),
    }


def _revived(record: dict[str, Any], asked: Asked) -> LLMResponse:
    return LLMResponse(
        llm=LLMEntry(**record["llm"]),
        **{name: record[name] for name in _ANSWER_FIELDS},
        tool_calls=tuple(ToolCall(**call) for call in record["tool_calls"]),
        usage=Usage(**record["usage"]) if record["usage"] else None,
        cost=None if record["cost"] is None else Decimal(record["cost"]),
        parsed=asked.shape.parse(record["content"]) if asked.shape else None,
    )
