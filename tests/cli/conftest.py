"""The command line in this process, against a local vendor."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from creative_services.cli.app import app
from creative_services.testing.vendors import VendorServer

KEY = "sk-cli-0123456789abcdef"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Ended]


@pytest.fixture
def cli() -> Cli:
    """Runs a command and says how it ended; an exception that is no polite end fails the test."""

    def run(*words: str | Path, stdin: str | None = None) -> Ended:
        done = CliRunner().invoke(app, [str(word) for word in words], input=stdin, prog_name="creative-services")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ended(done.exit_code, done.stdout, done.stderr)

    return run


def exported(server: VendorServer) -> dict[str, str]:
    """What a user's shell would export, with the documented models in their places whatever the date."""
    return {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": server.openai_url,
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": server.anthropic_url,
        "GROQ_API_KEY": KEY,
        "GROQ_BASE_URL": server.groq_url,
        "OLLAMA_HOST": server.ollama_url,
        "CREATIVE_SERVICES_PIN_DEFAULTS": "1",
    }


@pytest.fixture
def vendors(vendor_server: VendorServer, monkeypatch: pytest.MonkeyPatch) -> VendorServer:
    for name, value in exported(vendor_server).items():
        monkeypatch.setenv(name, value)
    return vendor_server


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a key and without local models."""
    monkeypatch.setenv("OLLAMA_HOST", "")
