"""The gateway in front of a project of one's own, under uvicorn as anybody runs it."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.django_app.projects import Project
from tests.servers import free_ports

pytestmark = pytest.mark.thorough

ASGI = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project_settings")
from django.core.wsgi import get_wsgi_application
from django_app.project.beside import gateway

def make():
    return gateway(get_wsgi_application())
"""
MORE = """
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
"""
URLS = """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("mine", lambda request: HttpResponse("my own page"))]
"""


def test_calls_and_pages_and_usage(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "asgi.py").write_text(ASGI)
    (tmp_path / "urls.py").write_text(URLS)
    with (tmp_path / "project_settings.py").open("a") as settings:
        settings.write(MORE)
    project.manage("migrate", "-v0")
    project.run('Llms.objects.create(name="One", provider="offline", model_name="echo", tier="economy")')
    key = json.loads(project.manage("access", "create", "tests", "--json").stdout)["secret"]
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "asgi:make", "--port", str(port), "--log-level", "warning"],
        cwd=tmp_path, env={**project.environment, "CREATIVE_SERVICES_STATE_DIR": str(tmp_path / "state")},
    )  # fmt: skip
    try:
        _wait(f"{url}/health/ready", server)
        assert urlopen(f"{url}/mine").read() == b"my own page"
        body = json.dumps({"model": "economy", "messages": [{"role": "user", "content": "Hello"}]}).encode()
        asked = Request(f"{url}/v1/chat/completions", body, {"content-type": "application/json"})
        with pytest.raises(HTTPError, match="401"):
            urlopen(asked)
        asked.add_header("authorization", f"Bearer {key}")
        assert b"offline demo" in urlopen(asked).read()
    finally:
        server.terminate()
        assert server.wait(30) in (0, -15)
    said = project.run("from django_app.llms.models import Usage\nsay(*Usage.objects.values_list('status', flat=True))")
    assert said == [[200]]


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError), urlopen(url) as answer:
            if answer.status == 200:
                return
        assert server.poll() is None
        time.sleep(0.1)
    raise AssertionError(url)
