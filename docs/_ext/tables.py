"""What the directives print, read from the code at build time."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import creative_services.core
from creative_services.core import errors as family
from creative_services.core.failures import CODES, POLICIES, STATUSES

Row = tuple[str, ...]


def sentence(thing: object) -> str:
    """The first sentence of a docstring, as one line."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    return text.partition(". ")[0].rstrip(".") + "."


def link(kind: type) -> str:
    return f":class:`~{kind.__module__}.{kind.__name__}`"


def nouns() -> Iterator[tuple[str, str]]:
    """Every public class of the ground floor with the sentence of its docstring, in the order of the alphabet."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(creative_services.core.__path__, "creative_services.core."):
        if module.name != family.__name__:
            found.update(_classes_of(module.name))
    for name in sorted(found, key=str.lower):
        yield name, sentence(found[name])


def _classes_of(module: str) -> Iterator[tuple[str, type]]:
    for name, value in vars(import_module(module)).items():
        if inspect.isclass(value) and value.__module__ == module and not name.startswith("_"):
            yield name, value


def errors() -> Iterator[Row]:
    """The family, parents before children."""
    yield from _errors_under(family.CreativeServicesError, 0)


def _errors_under(kind: type[Exception], depth: int) -> Iterator[Row]:
    also = [base.__name__ for base in kind.__bases__ if base.__module__ == "builtins" and base is not Exception]
    advice = vars(kind).get("advice", "")
    # An indent of no-break spaces draws the tree inside a table's cell.
    yield "\u00a0" * 4 * depth + link(kind), ", ".join(f"``{name}``" for name in also), sentence(kind), advice
    for child in kind.__subclasses__():
        if child.__module__ == family.__name__:
            yield from _errors_under(child, depth + 1)


def failures() -> Iterator[Row]:
    """What the client does after each failure."""
    for kind, policy in POLICIES.items():
        rests = f"{policy.rests:g} s" if policy.rests else ""
        yield link(kind), _yes(policy.moves_on), _yes(policy.repeats), _yes(policy.trips), rests


def _yes(fact: bool) -> str:
    return "yes" if fact else ""


def statuses() -> Iterator[Row]:
    """HTTP statuses and what they become."""
    for status, kind in sorted(STATUSES.items()):
        yield str(status), link(kind)
    yield "other 4xx", link(family.BadRequestError)
    yield "other 5xx", link(family.ServerError)


def codes() -> Iterator[Row]:
    """Vendors' own error codes, which say more than the status they come with."""
    for code, kind in sorted(CODES.items()):
        yield f"``{code}``", link(kind)
