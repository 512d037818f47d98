"""What usage adds to a call: making its row, its line, and putting that on the disk.

::

    python -m benchmarks.django_usage
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import django
from django.conf import settings

ROUNDS = 20_000


def best_of_five(work: Callable[[], object]) -> float:
    """Microseconds."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(ROUNDS):
            work()
        best = min(best, time.perf_counter() - started)
    return best / ROUNDS * 1e6


def main() -> None:
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_app.llms"], USE_TZ=True
    )
    django.setup()
    from creative_services import LLMEntry
    from creative_services.core.completions import Attempt
    from creative_services.core.events import Answered, Call
    from creative_services.core.usage import Usage
    from creative_services.telemetry.spool.spool import Spool
    from django_app.llms.usage.rows import encode, rows_of

    entry = LLMEntry(
        id=1, name="E", provider="fake", model="m", tier="economy", cost_per_1k_input=1, cost_per_1k_output=1
    )
    attempt = Attempt(llm=entry, seconds=0.5, usage=Usage(input_tokens=100, output_tokens=20), cost=Decimal("0.12"))
    event = Answered(
        call=Call(id="0123456789abcdef", operation="chat", tier="economy", user_id="ada"),
        ended_at=datetime.now(UTC), seconds=0.5, attempts=(attempt,),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(Path(directory))
        row, line = best_of_five(lambda: rows_of(event)), best_of_five(lambda: encode(rows_of(event)))
        whole = best_of_five(lambda: spool.append(encode(rows_of(event))))
        spool.close()
    print(f"row {row:.1f} us, row and line {line:.1f} us, on the disk {whole:.1f} us")


if __name__ == "__main__":
    main()
