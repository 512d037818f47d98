"""Where words go: answers and tables to standard output, everything about them to standard error."""

import json
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

# Escape sequences and other controls, which a model could use to rewrite the reader's screen.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def on_terminal(stream: TextIO | None = None) -> bool:
    """Whether a person reads along; a pipe or a file gets plain lines that stay the same."""
    return (stream or sys.stdout).isatty()


def console(*, err: bool = False) -> "Console":
    """Rich on standard output or standard error; it obeys NO_COLOR and TERM by itself."""
    return _console(sys.stderr if err else sys.stdout)


@cache
def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    return Console(file=stream, highlight=False)


def say(text: str) -> None:
    """One line on standard output, as it is."""
    sys.stdout.write(f"{text}\n")


def say_json(value: Any) -> None:
    """A JSON document on standard output."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say_answer(text: str) -> None:
    """A piece of a model's answer at once; a terminal gets it without control characters."""
    sys.stdout.write(without_controls(text) if on_terminal() else text)
    sys.stdout.flush()


def without_controls(text: str) -> str:
    """The text as a terminal may show it: line breaks and tabs are the only controls left."""
    return _CONTROLS.sub("", text)


def remark(text: str, style: str = "dim") -> None:
    """One line about what happened, on standard error."""
    if not on_terminal(sys.stderr):
        sys.stderr.write(f"{text}\n")
        return
    from rich.text import Text

    console(err=True).print(Text(without_controls(text), style=style), soft_wrap=True)
