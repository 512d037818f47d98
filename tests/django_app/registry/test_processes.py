"""What only a process of its own can show: threads, forks, event loops, a database that goes away, an end in time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.django_app.projects import Project

NewProject = Callable[..., Project]

ONE = """
def make(name="one", price=1, using="default"):
    return Llms.objects.using(using).create(
        name=name, provider="ollama", model_name="m", tier="standard", cost_per_1k_input=price, cost_per_1k_output=1)

def price(registry):
    entry = registry.get_by_tier("standard")
    return entry and float(entry.cost_per_1k_input)

def wait_for(wanted, ask, seconds=30):
    end = time.monotonic() + seconds
    while ask() != wanted and time.monotonic() < end:
        time.sleep(0.01)
    return ask()

registry = DjangoLLMRegistry()
"""


def test_an_own_edit_is_seen_by_the_next_look_up(new_project: NewProject, database_url: str) -> None:
    said = new_project(database_url).run(
        ONE
        + """
from django.db import transaction
make()
say(price(registry))
Llms.objects.update(cost_per_1k_input=2)
say(price(registry))
with transaction.atomic():
    Llms.objects.update(cost_per_1k_input=3)
    say(price(registry))
say(price(registry))
for number in range(20):
    Llms.objects.update(cost_per_1k_input=number)
    assert price(registry) == number, number
"""
    )
    assert said == [[1.0], [2.0], [2.0], [3.0]]


def test_a_look_up_asks_the_database_nothing(new_project: NewProject, database_url: str) -> None:
    said = new_project(database_url).run(
        ONE
        + """
from django.db import connection
make()
price(registry)
with connection.execute_wrapper(lambda *_: 1 / 0):
    for _ in range(1000):
        registry.get_by_tier("standard"), registry.get_by_id(1), registry.list_active(), registry.candidates("standard")
say("done")
"""
    )
    assert said == [["done"]]


def test_a_first_look_up_on_an_event_loop_is_safe(new_project: NewProject, database_url: str) -> None:
    said = new_project(database_url).run(
        ONE
        + """
import asyncio
make()

async def main():
    say(price(registry))
    entry = await DjangoLLMRegistry().aget_by_tier(LLMTier.STANDARD)
    await Llms.objects.aupdate(cost_per_1k_input=2)
    say(entry.name, price(registry))

asyncio.run(main())
asyncio.run(main())
"""
    )
    assert said == [[1.0], ["one", 2.0], [2.0], ["one", 2.0]]


def test_uncommitted_rows_of_the_asking_thread_are_not_shown_to_others(
    new_project: NewProject, database_url: str
) -> None:
    said = new_project(database_url).run(
        ONE
        + """
from django.db import transaction
make()
with transaction.atomic():
    Llms.objects.update(cost_per_1k_input=9)
    say(price(registry))  # the very first look-up, inside the writer's transaction
    transaction.set_rollback(True)
say(price(registry))
"""
    )
    assert said == [[1.0], [1.0]]


def test_many_threads_share_one_feed(new_project: NewProject, database_url: str) -> None:
    said = new_project(database_url).run(
        ONE
        + """
import threading
from concurrent.futures import ThreadPoolExecutor
make()
with ThreadPoolExecutor(16) as pool:
    prices = set(pool.map(lambda _: price(DjangoLLMRegistry()), range(64)))
say(sorted(prices), sum("creative-services-feed" in thread.name for thread in threading.enumerate()))
"""
    )
    assert said == [[[1.0], 1]]


def test_a_forked_child_follows_with_a_thread_of_its_own(new_project: NewProject, database_url: str) -> None:
    said = new_project(database_url).run(
        ONE
        + """
import os, warnings
from django.db import connection, connections
make()
price(registry)
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what servers do, and what is tested
reader, writer = os.pipe()
if (child := os.fork()) == 0:
    connections.close_all()
    say("child", price(registry))
    os.write(writer, b"!")
    say("child", wait_for(2.0, lambda: price(registry)))
    os._exit(0)
connection.close()
os.read(reader, 1)
with connection.cursor() as cursor:  # SQL, so that only following can tell
    cursor.execute("UPDATE creative_services_llms SET cost_per_1k_input = 2")
os.waitpid(child, 0)
say("parent", wait_for(2.0, lambda: price(registry)))
"""
    )
    assert said == [["child", 1.0], ["child", 2.0], ["parent", 2.0]]


def test_a_prefork_pool_follows(new_project: NewProject, database_url: str) -> None:
    """As Celery's: the parent has looked up, the children are forked, and the parent edits."""
    said = new_project(database_url).run(
        ONE
        + """
import multiprocessing, warnings
from django.db import connections

def work(wanted):
    return wait_for(wanted, lambda: price(registry))

make()
price(registry)
connections.close_all()  # as Celery does before it forks
warnings.simplefilter("ignore", DeprecationWarning)
with multiprocessing.get_context("fork").Pool(3) as pool:
    say(sorted(set(pool.map(work, [1.0] * 6, 1))))
    Llms.objects.update(cost_per_1k_input=2)
    say(sorted(set(pool.map(work, [2.0] * 6, 1))))
"""
    )
    assert said == [[[1.0]], [[2.0]]]


def test_a_pin_ends_in_time_without_an_edit(new_project: NewProject) -> None:
    said = new_project().run(
        ONE
        + """
from datetime import timedelta
from django.utils import timezone
make()
Llms.objects.create(name="pinned", provider="ollama", model_name="m", tier="standard", cost_per_1k_input=5,
    pinned_until=timezone.now() + timedelta(seconds=2))
say(price(registry))
say(wait_for(1.0, lambda: price(registry)))
"""
    )
    assert said == [[5.0], [1.0]]


def test_a_receiver_hears_of_every_new_state(new_project: NewProject) -> None:
    said = new_project().run(
        ONE
        + """
from django_app.llms.signals import registry_changed
heard = []

def hear(sender, using, revision, snapshot, **_):
    heard.append([using, len(snapshot.active), price(registry)])
    raise RuntimeError("a receiver that fails stops nobody")

registry_changed.connect(hear)
import logging
logging.disable(logging.CRITICAL)
price(registry)
make()
say(heard)
"""
    )
    assert said == [[[["default", 0, None], ["default", 1, 1.0]]]]


def test_a_program_ends_at_once_and_leaves_no_connection_open(
    new_project: NewProject, new_postgres_url: Callable[[], str]
) -> None:
    project = new_project(new_postgres_url())
    backends = """
from django.db import connection
def backends():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]
"""
    following = project.start(ONE + backends + "price(registry); say(backends()); hear(); say(time.monotonic())")
    watching = project.start(ONE + backends + "hear(); say(wait_for(1, backends))")
    assert following.hears() == [2]  # its own, and the feed's
    following.tell("end")
    following.hears()
    assert list(following.rest()) == []
    assert following.complaints == []
    watching.tell("look")
    assert watching.hears() == [1]


def test_a_database_that_goes_away_is_bridged(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project()
    child = project.start(
        ONE
        + """
import logging
class Told(logging.Handler):
    def emit(self, record): told.append(record.getMessage())
told = []
logging.getLogger("creative_services.registry").addHandler(Told())
make()
say(price(registry), registry.stale_for < 30)
while True:
    word, = hear()
    if word == "away":
        wait_for(1, lambda: len(told))
        time.sleep(1.2)  # several polls fail; it is said once
        say(price(registry), len(told), "cannot be read" in told[0], registry.stale_for > 1)
    else:
        again = wait_for(2.0, lambda: price(registry))
        say(again, len(told), told[-1].endswith("can be read again."), registry.stale_for < 30)
"""
    )
    assert child.hears() == [1.0, True]
    kept = project.file.rename(tmp_path / "kept")
    project.file.mkdir()  # nothing can open this as a database
    child.tell("away")
    assert child.hears() == [1.0, 1, True, True]
    project.file.rmdir()
    kept.rename(project.file)
    project.run("Llms.objects.update(cost_per_1k_input=2)")
    child.tell("back")
    assert child.hears() == [2.0, 2, True, True]


def test_postgresql_restarted_behind_the_feed(new_project: NewProject, new_postgres_url: Callable[[], str]) -> None:
    """The server drops every connection; the feed takes a new one and hears again."""
    said = new_project(new_postgres_url(), POLL_SECONDS=0.2).run(
        ONE
        + """
from django.db import connection
make()
say(price(registry))
with connection.cursor() as cursor:
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    cursor.execute("UPDATE creative_services_llms SET cost_per_1k_input = 2")
say(wait_for(2.0, lambda: price(registry)))
"""
    )
    assert said == [[1.0], [2.0]]


def test_before_the_first_migration_the_error_says_what_to_do(tmp_path: Path) -> None:
    project = Project(tmp_path)
    said = project.run(
        ONE
        + """
try:
    price(registry)
except ConnectionError as error:
    say(type(error).__name__, "manage.py migrate" in str(error), "no such table" in str(error))
"""
    )
    assert said == [["RegistryUnavailableError", True, True]]


def test_a_child_without_a_database_answers_with_what_its_parent_knew(new_project: NewProject) -> None:
    said = new_project().run(
        ONE
        + """
import os, warnings
from django.conf import settings
make()
price(registry)
warnings.simplefilter("ignore", DeprecationWarning)
if (child := os.fork()) == 0:
    os.rename(settings.DATABASES["default"]["NAME"], settings.DATABASES["default"]["NAME"] + ".away")
    os.mkdir(settings.DATABASES["default"]["NAME"])
    say(price(registry), registry.stale_for > 0)
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    assert said == [[1.0, True]]


def test_each_database_has_its_own_entries(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project()
    settings = project.directory / "project_settings.py"
    other = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "other.sqlite3")}
    settings.write_text(settings.read_text() + f"\nDATABASES['other'] = {other!r}\n")
    project.manage("migrate", "-v0", "--database", "other")
    said = project.run(
        ONE
        + """
other = DjangoLLMRegistry(using="other")
make(price=1), make(price=2, using="other")
say(price(registry), price(other))
Llms.objects.using("other").update(cost_per_1k_input=3)
say(price(registry), price(other))
"""
    )
    assert said == [[1.0, 2.0], [1.0, 3.0]]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0"])
def test_a_redis_that_is_away_costs_only_speed(new_project: NewProject, url: str) -> None:
    said = new_project(REDIS_URL=url).run(
        ONE + "make(); say(price(registry)); Llms.objects.update(cost_per_1k_input=2); say(price(registry))"
    )
    assert said == [[1.0], [2.0]]
