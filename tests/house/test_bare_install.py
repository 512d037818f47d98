"""With no extra installed the main job still runs, and what needs an extra names it.

Each test runs a fresh interpreter that sees the package and the standard library only. This file also runs against a
bare install of the wheel, so it leans on nothing beside pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import creative_services

HOME = Path(creative_services.__file__).parents[1]


def bare(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Python without its site-packages, but for ours."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        env={**clean, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )


MAIN_JOB = """
from creative_services import DictRegistry, DynamicLLMClient, LLMEntry

registry = DictRegistry([LLMEntry(id=1, name="Demo", provider="offline", model="demo", tier="economy")])
with DynamicLLMClient(registry) as client:
    response = client.generate_sync("Write a haiku about tiers", tier="economy")
    streamed = list(client.stream_sync("Write a haiku about tiers", tier="economy"))
    assert response.content and response.usage.output_tokens, response
    assert "".join(piece.text for piece in streamed) == response.content
    assert streamed[-1].response.usage == response.usage
print(response)
"""

ASK = """
from creative_services import DictRegistry, DynamicLLMClient, LLMEntry

entry = LLMEntry(id=1, name="One", provider="{provider}", model="m", tier="local", api_key="sk-none",
                 api_endpoint="http://127.0.0.1:9")
DynamicLLMClient(DictRegistry([entry])).generate_sync("Hello", llm_id=1)
"""


def test_the_main_job_runs() -> None:
    done = bare("-W", "error", "-c", MAIN_JOB)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not done.stderr


@pytest.mark.parametrize(
    ("provider", "extra"),
    [("openai", "openai"), ("anthropic", "anthropic"), ("groq", "groq"), ("ollama", "http"), ("mistral", "http")],
)
def test_a_vendor_names_its_extra(provider: str, extra: str) -> None:
    done = bare("-c", ASK.format(provider=provider))
    assert f"pip install 'creative-services[{extra}]'" in done.stderr


def test_the_command_line_names_its_extra_without_a_traceback() -> None:
    done = bare("-m", "creative_services", "generate", "Hello", "--demo")
    assert done.returncode == 1
    assert "pip install 'creative-services[cli]'" in done.stderr
    assert "Traceback" not in done.stderr
