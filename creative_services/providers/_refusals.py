"""Parameters that a model refuses: learned from its first no, then left out for good."""

import re
from typing import Final

from creative_services.core.completions import Request
from creative_services.core.errors import BadRequestError, ProviderError, TooLongError
from creative_services.core.llm_registry import LLMEntry
from creative_services.wire.openai_chat import OTHER_WORD

_LIMIT: Final = ("max_tokens", "max_completion_tokens", "num_predict")
_NAMES: Final = re.compile(
    r"max_completion_tokens|max_tokens|num_predict|temperature|stream_options|include_usage|"
    r"response_format|json_schema|output_config|output_format"
)
_MEANT: Final = {
    "include_usage": "stream_options",
    "json_schema": "response_format",
    "output_format": "output_config",
    "max_completion_tokens": "max_tokens",
    "num_predict": "max_tokens",
}
_UNKNOWN_FIELD: Final = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|extra|not permitted", re.IGNORECASE
)
NOTHING: Final[frozenset[str]] = frozenset()


class Refusals:
    """What each model of each endpoint is known not to take."""

    __slots__ = ("_known", "_musts")

    def __init__(self, musts: frozenset[str] = NOTHING) -> None:
        self._musts = musts  # what this vendor demands, so that leaving it out is no way
        self._known: dict[tuple[str | None, str], frozenset[str]] = {}

    def known(self, entry: LLMEntry) -> frozenset[str]:
        """What to leave out."""
        return self._known.get((entry.api_endpoint, entry.model), NOTHING) if self._known else NOTHING

    def learn(self, error: ProviderError, entry: LLMEntry, request: Request, without: frozenset[str]) -> bool:
        """Whether ``error``, which met a request made ``without`` these, teaches something to try the call with."""
        lesson = _lesson(error, request, without)
        if lesson is None or lesson in self._musts:
            return False
        key = (entry.api_endpoint, entry.model)
        self._known[key] = self._known.get(key, NOTHING) | without | {lesson}
        return True


def _lesson(error: ProviderError, request: Request, without: frozenset[str]) -> str | None:
    if not isinstance(error, BadRequestError) or isinstance(error, TooLongError) or error.status not in (400, 422):
        return None
    named = _NAMES.findall(f"{error.param or ''} {error.what}")
    if not named:
        return None
    meant = _MEANT.get(named[0], named[0])
    if meant == "max_tokens" and OTHER_WORD not in without and _UNKNOWN_FIELD.search(error.what):
        return OTHER_WORD  # the same wish in the other word, whoever made it
    return meant if meant not in without and _ours(meant, request) else None


def _ours(meant: str, request: Request) -> bool:
    """Whether the parameter was our addition; what the caller asked for is not dropped behind their back."""
    if meant in request.extra:
        return False
    if meant == "max_tokens":
        return request.max_tokens is None and not {*_LIMIT} & request.extra.keys()
    if meant in ("response_format", "output_config"):
        return request.schema is not None
    return meant != "temperature" or request.temperature is None
