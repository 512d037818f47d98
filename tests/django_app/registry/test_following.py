"""An edit anywhere is used everywhere: eight other processes follow every way of editing."""

from collections.abc import Callable, Mapping
from statistics import median

from tests.django_app.projects import Child, Project

WORKERS = 8

WORKER = """
registry = DjangoLLMRegistry()
seen = None
while True:
    entry = registry.get_by_tier(LLMTier.STANDARD)
    price = entry and float(entry.cost_per_1k_input)
    if price != seen:
        say(price, time.time())
        seen = price
    time.sleep(0.002)
"""

EDITOR = """
from django.db import connection

def raw(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)

Llms.objects.create(name="one", provider="ollama", model_name="m", tier="standard", cost_per_1k_input=1)
say("ready")
while True:
    code, = hear()
    one, two = ([*Llms.objects.order_by("name"), None, None])[:2]
    exec(code)
    say(time.time())
"""

EDITS = {
    2.0: "one.cost_per_1k_input = 2; one.save()",
    3.0: "Llms.objects.filter(name='one').update(cost_per_1k_input=3)",
    0.5: "Llms.objects.bulk_create("
    "[Llms(name='two', provider='p', model_name='m', tier='standard', cost_per_1k_input=.5)])",
    0.25: "two.cost_per_1k_input = .25; Llms.objects.bulk_update([two], ['cost_per_1k_input'])",
    3.0001: "two.delete(); one.cost_per_1k_input = '3.0001'; one.save()",
    7.0: "raw('UPDATE creative_services_llms SET cost_per_1k_input = %s', 7)",
    None: "raw('DELETE FROM creative_services_llms')",
}


def slowest(project: Project, edits: Mapping[float | None, str] = EDITS) -> list[float]:
    """For each edit, the seconds until the last of eight workers used it."""
    editor = project.start(EDITOR)
    assert editor.hears() == ["ready"]
    workers = [project.start(WORKER) for _ in range(WORKERS)]
    assert [worker.hears()[0] for worker in workers] == [1.0] * WORKERS
    return [_seconds_until_used(price, code, editor, workers) for price, code in edits.items()]


def _seconds_until_used(price: float | None, code: str, editor: Child, workers: list[Child]) -> float:
    editor.tell(code)
    (edited,) = editor.hears()
    return max(_moment_of(price, worker) for worker in workers) - float(edited)


def _moment_of(price: float | None, worker: Child) -> float:
    while True:
        seen, moment = worker.hears()
        if seen == price:
            return float(moment)


def test_eight_processes_use_an_edit_within_a_second(new_project: Callable[..., Project]) -> None:
    seconds = slowest(new_project())
    print(f"slowest of {WORKERS} processes after each edit: {[f'{s * 1000:.0f} ms' for s in seconds]}")
    # The promise is one second for each edit; a test machine that stands still for a moment must not fail it.
    assert median(seconds) < 1.0


def test_on_postgresql_none_waits_for_the_poll(
    new_project: Callable[..., Project], new_postgres_url: Callable[[], str]
) -> None:
    seconds = slowest(new_project(new_postgres_url(), POLL_SECONDS=0.9))
    print(f"with NOTIFY: {[f'{s * 1000:.0f} ms' for s in seconds]}")
    # The slowest of eight polls at 0.9 s would be near 0.8 s.
    assert median(seconds) < 0.3


def test_redis_does_not_wait_for_the_poll(new_project: Callable[..., Project], redis_url: str) -> None:
    # Raw SQL publishes nothing and waits for the poll, so it is left out.
    edits = {price: code for price, code in EDITS.items() if not code.startswith("raw")}
    seconds = slowest(new_project("", POLL_SECONDS=0.9, REDIS_URL=redis_url), edits)
    print(f"with Redis: {[f'{s * 1000:.0f} ms' for s in seconds]}")
    assert median(seconds) < 0.3
