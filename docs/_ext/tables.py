"""What the directives print, read from the code at build time."""

import inspect
import pkgutil
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from typing import Any

import typer.main

import creative_services.core
from creative_services.catalog.access import VARIABLES
from creative_services.catalog.default_entries import OLLAMA_MODEL, PIN
from creative_services.catalog.defaults import KnownModel, defaults
from creative_services.catalog.prices import price_of
from creative_services.cli.app import app
from creative_services.config import CONFIG_VARIABLE
from creative_services.core import errors as family
from creative_services.core.failures import CODES, POLICIES, STATUSES
from creative_services.providers.vendors import VENDORS

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


def errors() -> Iterator[str]:
    """The family as a nested list, parents before children."""
    yield from _errors_under(family.CreativeServicesError, "")


def _errors_under(kind: type[Exception], indent: str) -> Iterator[str]:
    also = [base.__name__ for base in kind.__bases__ if base.__module__ == "builtins" and base is not Exception]
    advice = vars(kind).get("advice", "")
    yield f"{indent}* {link(kind)}{''.join(f', also {_a(name)} ``{name}``' for name in also)}. {sentence(kind)}"
    if advice:
        yield f"{indent}  *{advice.replace('`', '')}*"
    yield ""
    for child in kind.__subclasses__():
        if child.__module__ == family.__name__:
            yield from _errors_under(child, indent + "  ")


def _a(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"


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


def places() -> Iterator[Row]:
    """Each place of the defaults with the models that stand in it, one after the other."""
    for place in defaults().places:
        line = list(defaults().line(place.provider, place.model)) if place.model else []
        models = " |then| ".join(_named(model) for model in line) or "none"
        yield str(place.id), place.provider, str(place.tier), models


def _named(model: KnownModel) -> str:
    until = f" until {model.retires_on}" if model.retires_on else ""
    return f"``{model.model}`` ({_price(model)}){until}"


def _price(model: KnownModel) -> str:
    card = price_of(model.provider, model.model, defaults().checked_on)
    if card is None or card.rates.input is None or card.rates.output is None:
        return "price unknown"
    return f"{_per_million(card.rates.input)} / {_per_million(card.rates.output)}"


def _per_million(rate: Decimal) -> str:
    return f"{rate * 1000:.4f}".rstrip("0").rstrip(".")


def retirements() -> Iterator[Row]:
    """Every model with a date, the next one first."""
    dated = [(model.retires_on, model) for model in defaults().models.values() if model.retires_on]
    for day, model in sorted(dated, key=lambda pair: (pair[0], pair[1].provider, pair[1].model)):
        yield str(day), model.provider, f"``{model.model}``", f"``{model.successor}``" if model.successor else ""


def vendors() -> Iterator[Row]:
    """The rows of endpoints that speak OpenAI's protocol."""
    for vendor in VENDORS.values():
        yield f"``{vendor.name}``", vendor.base_url or "the entry's own", _code(vendor.key_variable)


def _code(name: str | None) -> str:
    return f"``{name}``" if name else ""


def variables() -> Iterator[Row]:
    """Every environment variable that is read, with what it does."""
    for vendor, (key, address) in VARIABLES.items():
        yield f"``{key}``", f"The key for {vendor}; its default models appear when it is set."
        yield f"``{address}``", f"Another address for {vendor}, as its own SDK reads it."
    yield (
        "``OLLAMA_HOST``",
        "Where Ollama listens; this machine's port 11434 when unset, no local entry when set empty.",
    )
    yield f"``{OLLAMA_MODEL}``", "The model of the local entry."
    yield f"``{CONFIG_VARIABLE}``", "A TOML file with entries of your own: :doc:`/howto/entries`."
    yield f"``{PIN}``", "``1`` keeps the first model of each place, retired or not."
    for place in defaults().places:
        yield f"``{place.variable}``", f"The model of entry {place.id}, {place.provider} {place.tier}."


def commands() -> Iterator[tuple[str, str, list[Row]]]:
    """Each command with its text and its arguments and options."""
    yield from _commands_of(typer.main.get_command(app), "creative-services")


def _commands_of(group: Any, prefix: str) -> Iterator[tuple[str, str, list[Row]]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from _commands_of(command, f"{prefix} {name}")
        else:
            rows = [_parameter(each) for each in command.params]
            yield f"{prefix} {name}", inspect.cleandoc(command.help or ""), rows


def _parameter(each: Any) -> Row:
    value = each.metavar or ""
    if each.param_type_name == "argument":
        return f"``{value or each.name.upper()}``", each.help or ""
    written = ", ".join([*each.opts, *each.secondary_opts])
    shown = f"``{written} {value}``" if value else f"``{written}``"
    default = f" Default: {each.default}." if each.show_default and each.default else ""
    return shown, f"{each.help or ''}{default}"
