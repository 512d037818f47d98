"""One family: every member is caught as such, says what to do, survives a pickle and shows no key."""

import copy
import pickle

import pytest

from creative_services.core import errors as e
from creative_services.core.llm_registry import LLMEntry

KEY = "sk-test-ABCDEFGH12345678"
ENTRY = LLMEntry(id=7, name="Seven", provider="openai", model="gpt", tier="economy", api_key=KEY)


def family(kind: type = e.CreativeServicesError) -> list[type]:
    return [found for child in kind.__subclasses__() for found in (child, *family(child))]


VENDORS = [kind for kind in family(e.ProviderError) if kind.__module__ == e.__name__]


def made() -> list[e.CreativeServicesError]:
    vendor = {"llm": ENTRY, "status": 500, "code": "c", "param": "p", "request_id": "req_1", "retry_after": 2.5}
    return [
        e.ConfigurationError("x"),
        e.UnknownProviderError("x"),
        e.MissingDependencyError("Asking OpenAI", extra="openai", missing="openai"),
        e.NoEntryError("x"),
        e.BudgetExceededError("x"),
        e.ParsedAnswerError("x", content="{"),
        *(kind("boom", **vendor) for kind in VENDORS),
        e.StreamInterruptedError("boom", partial_text="Once", **vendor),
    ]


@pytest.mark.parametrize("error", made(), ids=lambda error: type(error).__name__)
def test_it_survives_pickling_and_copying(error: e.CreativeServicesError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.__dict__.keys() == error.__dict__.keys()
    assert KEY.encode() not in pickle.dumps(error)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (e.ConfigurationError, ValueError),
        (e.MissingDependencyError, ImportError),
        (e.NoEntryError, LookupError),
        (e.BadRequestError, ValueError),
        (e.UnreachableError, ConnectionError),
        (e.TimedOutError, TimeoutError),
    ],
)
def test_the_builtin_kin_catches_it_too(kind: type, builtin: type) -> None:
    assert issubclass(kind, builtin)
    assert issubclass(kind, e.CreativeServicesError)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_vendors_error_says_everything_and_no_key(kind: type[e.ProviderError]) -> None:
    error = kind(f"bad key {KEY}.", llm=ENTRY, status=429, request_id="req_1", retry_after=2.5)
    told = str(error)
    for part in ("entry 7 'Seven' (openai gpt)", "answered 429", "req_1", "2.5 s", kind.advice):
        assert part in told
    assert ("Worth another try" in told) == kind.retryable
    assert KEY not in told + error.what + repr(error)
    assert (error.provider, error.model) == ("openai", "gpt")
    assert error.attempts == ()


def test_an_error_without_an_entry_still_speaks() -> None:
    error = e.ServerError("boom")
    assert str(error).startswith("the provider: boom. Worth another try.")
    assert (error.provider, error.model) == (None, None)


def test_a_missing_driver_names_its_extra() -> None:
    error = e.MissingDependencyError("Asking OpenAI", extra="openai", missing="openai")
    assert "pip install 'creative-services[openai]'" in str(error)
    assert error.extra == "openai"


def drawn() -> dict[str, str]:
    """Every name in the module's drawing, with the name it hangs under."""
    above: list[tuple[int, str]] = []
    parents = {}
    for line in (e.__doc__ or "").splitlines():
        name = line.split("(")[0].split()[0] if line.startswith("    ") else ""
        indent = len(line) - len(line.lstrip())
        if name.endswith("Error"):
            above = [held for held in above if held[0] < indent]
            parents[name] = above[-1][1] if above else "Exception"
            above.append((indent, name))
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    ours = [kind for kind in family() if kind.__module__ == e.__name__]
    assert drawn() == {kind.__name__: kind.__mro__[1].__name__ for kind in (e.CreativeServicesError, *ours)}
