"""No row is lost or doubled: not by kill -9, not by a database that goes away, and the calls do not wait for it.

USAGE_SECONDS=60 and USAGE_RATE=1000 make the load test the one of the promise.
"""

import os
from collections.abc import Callable

import pytest

from tests.django_app.projects import Project

pytestmark = pytest.mark.thorough

SECONDS = float(os.environ.get("USAGE_SECONDS", "2"))
RATE = int(os.environ.get("USAGE_RATE", "500"))

CALLER = """
import os
from datetime import datetime, UTC
from decimal import Decimal
from creative_services import LLMEntry
from creative_services.core.completions import Attempt
from creative_services.core.events import Answered, Call
from creative_services.core.usage import Usage as Tokens
from django_app.llms.models import Usage
from django_app.llms.usage import DjangoUsage

usage = DjangoUsage()
entry = LLMEntry(id=1, name="E", provider="fake", model="m", tier="economy", cost_per_1k_input=1, cost_per_1k_output=1)

def call(number):
    attempt = Attempt(llm=entry, seconds=0.5, usage=Tokens(input_tokens=100, output_tokens=20), cost=Decimal("0.12"))
    usage(Answered(
        call=Call(id=f"{os.getpid()}-{number}", operation="chat", tier="economy", user_id="ann"),
        ended_at=datetime.now(UTC), seconds=0.5, attempts=(attempt,),
    ))
"""

STEADY = """
seconds, rate = hear()
started, took = time.perf_counter(), 0.0
for number in range(int(seconds * rate)):
    while time.perf_counter() < started + number / rate:
        time.sleep(0.0005)
    before = time.perf_counter()
    call(number)
    took += time.perf_counter() - before
    if number % (10 * rate) == 0:
        say("goes on")
say(int(seconds * rate), took / (seconds * rate) * 1e6)
"""

ENDLESS = """
number = 0
while True:
    call(number)
    say(number)
    number += 1
    time.sleep(0.001)
"""

COUNT = """
say(Usage.objects.count(), Usage.objects.values("call_id").distinct().count(),
    list(Usage.objects.values_list("call_id", flat=True)))
"""


def stored(project: Project) -> tuple[int, int, list[str]]:
    ((rows, different, names),) = project.run(CALLER + "assert usage.flush(30)\n" + COUNT)
    return rows, different, names


def test_a_steady_load_is_stored_whole(new_project: Callable[..., Project], database_url: str) -> None:
    project = new_project(database_url)
    caller = project.start(CALLER + STEADY)
    caller.tell(SECONDS, RATE)
    while (heard := caller.hears()) == ["goes on"]:
        pass
    calls, microseconds = heard
    list(caller.rest())  # the process ends by itself, and takes the time to store what is left
    print(f"{calls} calls at {RATE}/s, {microseconds:.1f} us each")
    rows, different, _ = stored(project)
    assert (rows, different) == (calls, calls)


def test_kill_9_loses_and_doubles_nothing(new_project: Callable[..., Project], database_url: str) -> None:
    project = new_project(database_url)
    callers = [project.start(CALLER + ENDLESS) for _ in range(3)]
    said: set[str] = set()
    for caller in callers:
        said |= {f"{caller.process.pid}-{caller.hears()[0]}" for _ in range(300)}
        caller.process.kill()
        caller.process.wait()
        said |= {f"{caller.process.pid}-{number}" for number in _numbers(caller)}
    # The one that comes after them finds what they left.
    project.run(CALLER + "usage.keeper().start()\ntime.sleep(1)\nassert usage.flush(30)")
    rows, different, names = stored(project)
    assert rows == different
    assert said <= set(names)
    assert len(names) - len(said) <= len(callers), "more rows than calls"


def _numbers(caller: object) -> list[int]:
    found = []
    while (line := caller._said.get(timeout=60)) is not None:  # type: ignore[attr-defined]  # what it still said
        if line.endswith("]\n"):
            found.append(int(line[1:-2]))
    return found


def test_the_database_away_for_a_while(new_project: Callable[..., Project]) -> None:
    project = new_project()
    said = project.run(
        CALLER
        + """
call(1)
assert usage.flush(30)
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE creative_services_usage RENAME TO hidden")
for number in range(2, 20):
    call(number)
assert not usage.flush(0.5)
say(usage.keeper().waiting)
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE hidden RENAME TO creative_services_usage")
assert usage.flush(30)
say(Usage.objects.count(), usage.keeper().waiting)
"""
    )
    assert said == [[18], [19, 0]]
