"""A fresh project of ten lines of settings, with only this app: everything works, and no key is anywhere."""

from collections.abc import Callable
from pathlib import Path

from tests.django_app.projects import SETTINGS, Project

NewProject = Callable[..., Project]

KEY = "sk-secret-0123456789abcdef"
MASTER = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def test_the_settings_are_ten_lines() -> None:
    assert len(SETTINGS.strip().splitlines()) <= 10


def test_check_and_migrate_are_content(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    assert "no issues" in project.manage("check").stdout
    project.manage("migrate", "-v0")
    assert project.manage("makemigrations", "--check", "--dry-run").returncode == 0
    assert "W001" in project.manage("check", "--database", "default").stderr
    assert project.manage("migrate", "--check").returncode == 0


def test_the_tutorial_runs(new_project: NewProject, database_url: str) -> None:
    project = new_project(database_url)
    project.run(
        """
def make(name, tier, price):
    Llms.objects.create(name=name, provider="offline", model_name="echo", tier=tier,
                        cost_per_1k_input=price, cost_per_1k_output=price)

make("Big", "premium", "0.01"), make("Small", "economy", "0.0001"), make("Smaller", "economy", "0.00005")
"""
    )
    assert "Smaller" in project.manage("llms", "list").stdout
    assert project.manage("llms", "verify").returncode == 0
    assert "ok  call" in project.manage("llms", "test").stdout
    said = project.run(
        """
import asyncio
from creative_services import DynamicLLMClient

client = DynamicLLMClient(DjangoLLMRegistry())

async def main():
    async with client:
        answer = await client.generate("Hello", tier=LLMTier.ECONOMY)
        pieces = [str(piece) async for piece in client.stream("Hello", tier=LLMTier.PREMIUM)]
        say(answer.llm.name, bool(str(answer)), answer.cost is not None, bool(pieces))
        await Llms.objects.filter(name="Smaller").aupdate(is_active=False)
        say((await client.generate("Hello", tier="economy")).llm.name)

asyncio.run(main())
say(client.generate_sync("Hello", tier="economy").llm.name)
"""
    )
    assert said == [["Smaller", True, True, True], ["Small"], ["Small"]]


def test_views_of_both_kinds_may_ask(new_project: NewProject) -> None:
    """Under ASGI and WSGI, through Django's own handlers."""
    said = new_project().run(
        """
import asyncio
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from creative_services import DynamicLLMClient

registry = DjangoLLMRegistry()
client = DynamicLLMClient(registry)

async def ask(request):
    registry.get_by_tier("economy")
    return HttpResponse((await client.generate("Hello", tier="economy")).llm.name)

def ask_sync(request):
    return HttpResponse(client.generate_sync("Hello", tier="economy").llm.name)

class urls:
    urlpatterns = [path("ask", ask), path("ask-sync", ask_sync)]

settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = urls, ["*"]
Llms.objects.create(name="One", provider="offline", model_name="echo", tier="economy")

async def main():
    for url in ("/ask", "/ask-sync"):
        say((await AsyncClient().get(url)).content.decode())

asyncio.run(main())
for url in ("/ask", "/ask-sync"):
    say(Client().get(url).content.decode())
asyncio.run(client.aclose())
"""
    )
    assert said == [["One"]] * 4


def test_no_key_is_in_the_file_the_dump_the_export_the_log_or_a_message(new_project: NewProject) -> None:
    project = new_project(ENCRYPTION_KEYS=[MASTER])
    project.run(
        f"""
import logging
logging.basicConfig(filename="{project.directory}/log", level=logging.DEBUG)
row = Llms.objects.create(name="One", provider="offline", model_name="echo", tier="economy", api_key="{KEY}")
row.api_key = "{KEY}-new"
row.save()
Llms.objects.bulk_create([Llms(name="Two", provider="offline", model_name="echo", tier="economy", api_key="{KEY}")])
registry = DjangoLLMRegistry()
assert registry.get_by_id(row.pk).api_key.reveal() == "{KEY}-new"
for shown in (row, vars(row), registry, registry.list_active(), registry.get_by_id(row.pk).api_key):
    logging.warning("%s %r", shown, shown)
try:
    Llms.objects.update(api_key="{KEY}")
except ValueError as error:
    logging.exception("as it should")
"""
    )
    said = [
        project.manage(*words.split()).stdout
        for words in ("dumpdata", "llms list", "llms list --json", "llms export", "llms export --json", "llms test")
    ]
    (project.directory / "said").write_text("".join(said))
    for settings in project.directory.rglob("project_settings*.py*"):  # and what Python compiled
        settings.unlink()
    for path in project.directory.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
            assert path.name == "said" or MASTER.encode() not in path.read_bytes()
    assert "sealed" in "".join(said)
