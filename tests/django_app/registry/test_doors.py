"""The ways in that are not ready yet: no Django, no set-up, no app; each says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("sys.modules['django'] = None", "pip install 'creative-services[django]'"),
        ("from django.conf import settings; settings.configure()", "Call django.setup() first"),
        ("from django.conf import settings; settings.configure(); import django; django.setup()", "INSTALLED_APPS"),
    ],
)
def test_a_registry_too_early(before: str, told: str) -> None:
    code = f"""
import sys
{before}
from creative_services import LLMTier
try:
    from creative_services.adapters import DjangoLLMRegistry
    DjangoLLMRegistry().get_by_tier(LLMTier.STANDARD)
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told in done.stdout


def test_naming_the_adapters_imports_no_django() -> None:
    code = "import sys, creative_services.adapters; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"
