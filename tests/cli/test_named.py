"""Commands found by name: ours that live elsewhere, and other packages'."""

from importlib.metadata import EntryPoint
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from creative_services.cli import named
from creative_services.cli.app import app


def greet(name: Annotated[str, typer.Argument()] = "world") -> None:
    """Say hello."""
    typer.echo(f"hello {name}")


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    here = __name__.rpartition(".")[2]
    points = [
        EntryPoint("greet-them", f"{__name__}:greet", named.GROUP),
        EntryPoint("broken", f"{here}_missing:greet", named.GROUP),
        EntryPoint("up", f"{__name__}:greet", named.GROUP),
    ]
    monkeypatch.setattr(named, "entry_points", lambda group: points if group == named.GROUP else [])


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_up_is_listed_and_explains_itself() -> None:
    assert " up " in run("--help").output
    done = run("up", "--help")
    assert done.exit_code == 0
    assert "--data-dir" in done.output


def test_another_package_adds_a_command(theirs: None) -> None:
    assert run("greet-them", "you").output == "hello you\n"


def test_one_that_cannot_be_loaded_is_a_sentence_and_harms_no_other(theirs: None) -> None:
    listing = run("--help")
    assert listing.exit_code == 0
    assert "greet-them" in listing.output
    done = run("broken")
    assert done.exit_code == 1
    assert "cannot be loaded" in done.output
    assert "Traceback" not in done.output


def test_nobody_takes_the_place_of_ours(theirs: None) -> None:
    assert "--data-dir" in run("up", "--help").output


def test_a_stranger_is_unknown() -> None:
    assert run("nonsense").exit_code == 2
