"""Who is measured: each peer in an environment of its own, because most cannot be installed together."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ENVIRONMENTS = ROOT / ".benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A library: what to install, what people import, and which drivers it has in ``drivers.py``."""

    name: str
    requirements: tuple[str, ...]
    statement: str
    environment: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return ENVIRONMENTS / self.environment / "bin" / "python"


OURS = Peer(
    name="creative_services",
    requirements=("-e", f"{ROOT}[openai,anthropic,groq]"),
    statement="import creative_services",
    environment="ours",
)
PEERS = (
    OURS,
    Peer(name="openai", requirements=(), statement="import openai", environment="ours"),
    Peer(name="anthropic", requirements=(), statement="import anthropic", environment="ours"),
    Peer(name="groq", requirements=(), statement="import groq", environment="ours"),
    Peer(
        name="pydantic_ai",
        requirements=("pydantic-ai-slim[openai]",),
        statement="import pydantic_ai, pydantic_ai.models.openai",
        environment="pydantic_ai",
    ),
    Peer(
        name="langchain",
        requirements=("langchain", "langchain-openai"),
        statement="import langchain_openai",
        environment="langchain",
    ),
    Peer(name="any_llm", requirements=("any-llm-sdk[openai]",), statement="import any_llm", environment="any_llm"),
    Peer(name="litellm", requirements=("litellm",), statement="import litellm", environment="litellm"),
)


def prepare() -> list[Peer]:
    """Install what is missing; a peer that cannot be installed is left out, and said so."""
    ready = []
    for peer in PEERS:
        if peer.requirements and not _installed(peer):
            print(f"{peer.name}: could not be installed, left out", file=sys.stderr)
        elif peer.python.exists():
            ready.append(peer)
    return ready


def _installed(peer: Peer) -> bool:
    marker = ENVIRONMENTS / peer.environment / ".installed"
    if marker.exists():
        return True
    print(f"installing {peer.name} ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", ENVIRONMENTS / peer.environment], check=True)
    done = subprocess.run([peer.python, "-m", "pip", "install", "-q", *peer.requirements], check=False)
    if done.returncode == 0:
        marker.touch()
    return done.returncode == 0
