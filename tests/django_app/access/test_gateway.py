"""Real gateways in processes of their own, real keys in a real database, edited by yet another process."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.django_app.projects import Child, Project

pytestmark = pytest.mark.thorough

WORKERS = 3

# What a site with an admin has beside the ten lines.
ADMIN = """
INSTALLED_APPS += ["django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
ROOT_URLCONF = "tests.django_app.urls"
STATIC_URL = "static/"
ALLOWED_HOSTS = ["*"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""

GATEWAY = """
import asyncio
import logging
from pathlib import Path
from creative_services.adapters import DjangoKeys
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.dict_registry import DictRegistry
from tests.server.house import House

class Told(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())

told = []
logging.getLogger("creative_services.gateway").setLevel("INFO")
logging.getLogger("creative_services.gateway").addHandler(Told())

async def main():
    word, state = await asyncio.to_thread(hear)
    registry = DictRegistry([LLMEntry(id=1, name="Demo", provider="offline", model="offline", tier="economy",
                                      cost_per_1k_input="1", cost_per_1k_output="1")])
    house = House(None, Path(state), registry=registry, keys=None, feed=DjangoKeys())
    await house.open()
    say("ready")
    while True:
        word, key, wanted = await asyncio.to_thread(hear)
        end = time.time() + 30
        while word == "told" and wanted not in "; ".join(told) and time.time() < end:
            await asyncio.sleep(0.01)
        answer = await house.ask(key=key)
        end = time.time() + 30
        while word == "until" and answer.status != wanted and time.time() < end:
            await asyncio.sleep(0.01)
            answer = await house.ask(key=key)
        say(answer.status, time.time(), "; ".join(told) if word == "told" else answer.body.decode())

asyncio.run(main())
"""

EDITOR = """
import re
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_app.access.models import AccessKey

User.objects.create_superuser("ann", "a@example.com", "pw")
client = Client()
client.force_login(User.objects.get())
form = {"owner": "shop", "user": "", "note": "", "requests_per_minute": "", "tokens_per_minute": "",
        "budget_per_day": "", "budget_per_month": "", "expires_at_0": "", "expires_at_1": "", "is_active": "on"}

def post(name, *args, **more):
    address = reverse(f"admin:creative_services_access_{name}", args=args)
    answer = client.post(address, {**form, **more})
    assert answer.status_code in (200, 302), answer.status_code
    return answer.content.decode()

def edit(**more):
    post("accesskey_change", AccessKey.objects.order_by("pk").first().pk, **more)

def raw(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)

shown = None
say("ready")
while True:
    code, = hear()
    shown = None
    exec(code)
    found = re.findall(r"cs-[a-z]{7}\\d-\\w{38}", shown or "")
    say(time.time(), *found)
"""


class Site:
    """A database, an editor of it, and gateways that follow it."""

    def __init__(self, project: Project) -> None:
        with (project.directory / "project_settings.py").open("a") as settings:
            settings.write(ADMIN)
        project.manage("migrate", "-v0")
        self.project = project
        self.editor = project.start(EDITOR)
        assert self.editor.hears() == ["ready"]
        self.gateways = [project.start(GATEWAY) for _ in range(WORKERS)]
        for number, gateway in enumerate(self.gateways):
            gateway.tell("state", str(project.directory / f"state-{number}"))
        assert [gateway.hears() for gateway in self.gateways] == [["ready"]] * WORKERS
        self.seconds: list[float] = []

    def edit(self, code: str) -> list[str]:
        self.editor.tell(code)
        self._edited, *keys = self.editor.hears()
        return keys

    def ask(self, gateway: Child, key: str) -> tuple[int, str]:
        gateway.tell("ask", key, 0)
        status, _, text = gateway.hears()
        return status, text

    def until(self, status: int, key: str, *, gateways: int = WORKERS) -> str:
        """Wait until every gateway answers so, and note the slowest one's time since the edit."""
        asked = self.gateways[:gateways]
        for gateway in asked:
            gateway.tell("until", key, status)
        said = [gateway.hears() for gateway in asked]
        assert [each[0] for each in said] == [status] * gateways, said
        self.seconds.append(max(each[1] for each in said) - self._edited)
        return str(said[0][2])


@pytest.fixture
def site(new_project: Callable[..., Project], database_url: str) -> Iterator[Site]:
    return Site(new_project(database_url))  # type: ignore[return-value]  # closed by the project


def test_every_edit_holds_on_every_gateway_within_a_second(site: Site) -> None:
    (key,) = site.edit("shown = post('accesskey_add', new_id='abcdefg7')")
    site.until(200, key)
    site.edit("edit(tiers=['premium'])")
    assert "It may use: premium" in site.until(403, key)
    site.edit("edit()")
    site.until(200, key)
    site.edit("edit(scopes=['embeddings'])")
    assert "lacks the scope 'chat'" in site.until(403, key)
    site.edit("edit(is_active='')")
    assert "was revoked" in site.until(401, key)
    site.edit("AccessKey.objects.update(is_active=True, tiers=[], scopes=[])")
    site.until(200, key)
    site.edit("edit(budget_per_day='0')")
    site.until(429, key)
    site.edit("edit()")
    site.until(200, key)
    (new,) = site.edit("shown = post('rotate', AccessKey.objects.get().pk, overlap='1h')")
    site.until(200, new)
    site.until(200, key)
    site.edit("raw(\"UPDATE creative_services_access_key SET expires_at = '2020-01-01' WHERE key_id = 'abcdefg7'\")")
    assert "expired at 2020-01-01" in site.until(401, key)
    site.until(200, new)
    site.edit("post('revoke', key=AccessKey.objects.latest('pk').pk)")
    site.until(401, new)
    print(f"slowest of {WORKERS} gateways after each edit: {[f'{s * 1000:.0f} ms' for s in site.seconds]}")
    # The promise is one second for each edit; a test machine that stands still for a moment must not fail it.
    assert median(site.seconds) < 1.0
    _nothing_of_them_is_kept(site.project, key, new)


def _nothing_of_them_is_kept(project: Project, *keys: str) -> None:
    secrets = [key.rpartition("-")[2].encode() for key in keys]
    written = [path for path in project.directory.rglob("*") if path.is_file()]
    assert len(written) > WORKERS, "at least the settings and each gateway's state"
    texts = [path.read_bytes() for path in written] + [project.manage("dumpdata").stdout.encode()]
    assert [secret for secret in secrets for text in texts if secret in text] == []
    assert re.search(rb"abcdefg7", texts[-1]), "the dump has the key's row"


def test_an_edited_limit_counts_from_now_on_and_rotating_brings_no_second_one(site: Site) -> None:
    (key,) = site.edit("shown = post('accesskey_add', new_id='abcdefg7', requests_per_minute='1000')")
    site.until(200, key)
    site.edit("edit(requests_per_minute='2')")
    site.until(429, key)
    (new,) = site.edit("shown = post('rotate', AccessKey.objects.get().pk, overlap='1h')")
    # A new one that is let in at all would have had a bucket of its own.
    status, text = site.ask(site.gateways[0], new)
    end = time.monotonic() + 30
    while status == 401 and time.monotonic() < end:
        status, text = site.ask(site.gateways[0], new)
    assert (status, "2 requests per minute" in text) == (429, True)


def test_while_the_database_is_away_the_last_keys_stay_and_it_is_said(
    new_project: Callable[..., Project], tmp_path: Path
) -> None:
    site = Site(new_project())
    (key,) = site.edit("shown = post('accesskey_add', new_id='abcdefg7')")
    site.until(200, key)
    gateway, file = site.gateways[0], site.project.file
    kept = file.rename(tmp_path / "kept")
    file.mkdir()  # nothing can open this as a database
    gateway.tell("told", key, "The keys cannot be read, those known last stay valid")
    status, _, told = gateway.hears()
    assert (status, told.count("cannot be read")) == (200, 1)
    file.rmdir()
    kept.rename(file)
    gateway.tell("told", key, "The keys can be read again.")
    assert gateway.hears()[0] == 200
    site.edit("post('revoke', key=AccessKey.objects.get().pk)")
    site.until(401, key)
