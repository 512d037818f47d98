"""The reference page names every setting, check, subcommand and signal there is, and none that is not."""

import re
from dataclasses import fields
from pathlib import Path

from django.dispatch import Signal

import django_app.llms.checks as checks
from django_app.llms import conf, signals
from django_app.llms.management.commands.llms import SUBCOMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "django.rst").read_text()


def section(title: str) -> str:
    return re.split(r"\n\S[^\n]*\n-{3,}\n", PAGE.partition(f"\n{title}\n")[2].partition("\n")[2])[0]


def test_settings() -> None:
    named = set(re.findall(r"\* - ``([A-Z_]+)``", section("Settings")))
    assert named == {field.name.upper() for field in fields(conf.Settings)}


def test_checks() -> None:
    code = "".join(path.read_text() for path in Path(checks.__file__).parent.glob("*.py"))
    assert set(re.findall(r"\* - ([EWS]\d{3})", section("Checks"))) == set(re.findall(r'\{ID\}\.([EWS]\d{3})"', code))


def test_subcommands() -> None:
    shown = section("manage.py llms")
    assert [name for name in SUBCOMMANDS if f"``{name}" not in shown] == []


def test_signals() -> None:
    sent = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert set(re.findall(r"^``(\w+)``$", section("Signals"), re.MULTILINE)) == sent
