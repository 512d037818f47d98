"""Without its package a listener names the extra to install; the module itself imports nothing foreign."""

import subprocess
import sys

import pytest

MISSING = """
import sys
sys.modules["{module}"] = None
from creative_services import telemetry
try:
    telemetry.{listener}()
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "listener", "extra"),
    [
        ("prometheus_client", "PrometheusListener", "prometheus"),
        ("opentelemetry", "OpenTelemetryListener", "otel"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(module: str, listener: str, extra: str) -> None:
    script = MISSING.format(module=module, listener=listener)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert f"{listener} needs the package" in done.stdout
    assert f"pip install 'creative-services[{extra}]'" in done.stdout


def test_importing_the_listeners_loads_nothing_foreign() -> None:
    script = (
        "import sys; from creative_services.telemetry import *;"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'prometheus_client', 'opentelemetry', 'rich'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
