"""What ``doctor`` finds out: for each entry, whether its endpoint answers, takes the key and has the model."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from creative_services.core import errors as e
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import ListsModels
from creative_services.core.secrets import Secret, redact
from creative_services.providers import load_provider

Way = tuple[str, str | None, Secret | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is known of one entry; None means: it could not be found out."""

    llm: LLMEntry
    reachable: bool | None = None
    authorised: bool | None = None
    has_model: bool | None = None
    problem: str | None = None
    # The usual Ollama on this machine is looked for without anyone having asked for it.
    optional: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is broken here."""
        return self.problem is None


# What an error says about reaching, and about the key.
_MEANS: Final[dict[type[Exception], tuple[bool | None, bool | None]]] = {
    e.UnreachableError: (False, None),
    e.TimedOutError: (False, None),
    e.AuthenticationError: (True, False),
    e.PermissionDeniedError: (True, False),
    e.RateLimitedError: (True, True),
    e.QuotaExhaustedError: (True, True),
    e.ProviderError: (True, None),
}

# A vendor lists the snapshots of a model under its name and their date.
_SNAPSHOT: Final = re.compile(r"(?:-\d{8}|-\d{4}-\d{2}-\d{2}|:latest)")


async def check_all(entries: Iterable[LLMEntry], *, timeout: float, optional: Iterable[str] = ()) -> list[Check]:
    """Every entry's check; each endpoint and key is asked once, all of them at the same time."""
    ways: dict[Way, list[LLMEntry]] = {}
    for llm in entries:
        ways.setdefault((llm.provider, llm.api_endpoint, llm.api_key), []).append(llm)
    optional_providers = frozenset(optional)
    groups = await asyncio.gather(*(_check_way(group, timeout) for group in ways.values()))
    return [replace(check, optional=check.llm.provider in optional_providers) for group in groups for check in group]


async def _check_way(entries: Sequence[LLMEntry], timeout: float) -> list[Check]:
    first = entries[0]
    try:
        models = await _models(first, timeout)
    except Exception as error:  # noqa: BLE001 - a stranger's provider may raise anything, and the other entries still want their check
        reachable, authorised = _meaning(error)
        problem = f"{_way(first)}: {_what(error, first)}"
        return [Check(llm=llm, reachable=reachable, authorised=authorised, problem=problem) for llm in entries]
    if models is None:
        return [Check(llm=llm) for llm in entries]
    return [_held_against(llm, models) for llm in entries]


async def _models(llm: LLMEntry, timeout: float) -> frozenset[str] | None:
    """The models the endpoint lists; None when its provider cannot ask."""
    provider = load_provider(llm.provider)
    if not isinstance(provider, ListsModels):
        return None
    try:
        async with asyncio.timeout(timeout):
            return frozenset(await provider.models(llm))
    except e.CreativeServicesError:
        raise
    except TimeoutError as late:
        raise e.TimedOutError(f"no answer within {timeout:g} s", llm=llm) from late
    finally:
        await provider.aclose()


def _way(llm: LLMEntry) -> str:
    """One endpoint and key, which several entries may share."""
    key = f" with the key {llm.api_key.hint}" if llm.api_key else ""
    return f"{llm.provider} at {llm.api_endpoint or 'its own address'}{key}"


def _what(error: Exception, llm: LLMEntry) -> str:
    """The error without its advice, which is to call the doctor."""
    if isinstance(error, e.ProviderError):
        return f"{f'answered {error.status}: ' if error.status else ''}{error.what}"
    return (
        redact(str(error), llm.api_key)
        if isinstance(error, e.CreativeServicesError)
        else redact(repr(error), llm.api_key)
    )


def _meaning(error: Exception) -> tuple[bool | None, bool | None]:
    reachable, authorised = next((_MEANS[kind] for kind in type(error).__mro__ if kind in _MEANS), (None, None))
    # Without a status nobody answered: a key that no header can carry is refused before it travels.
    heard = getattr(error, "status", None) is not None
    return (reachable if heard or not reachable else None, authorised)


def _held_against(llm: LLMEntry, models: frozenset[str]) -> Check:
    if serves(llm.model, models):
        return Check(llm=llm, reachable=True, authorised=True, has_model=True)
    advice = f"Its successor is {llm.successor}." if llm.successor else "Choose another model for this entry."
    problem = f"{llm}: the endpoint does not list this model. {advice}"
    return Check(llm=llm, reachable=True, authorised=True, has_model=False, problem=problem)


def serves(model: str, listed: frozenset[str]) -> bool:
    """Whether a model is listed, by its own name or as one of its snapshots."""
    return model in listed or any(name.startswith(model) and _SNAPSHOT.fullmatch(name, len(model)) for name in listed)
