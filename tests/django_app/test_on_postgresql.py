"""One suite, every database: what runs on SQLite in this session runs again on a real PostgreSQL."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SUITES = (
    "llms", "registry/test_contract.py", "registry/test_in_tests.py", "test_migrations.py", "admin/test_screens.py",
    "admin/test_entries.py", "usage/test_listener.py", "usage/test_totals.py", "usage/test_gateway.py",
    "access/test_admin.py", "access/test_checks.py", "access/test_commands.py", "access/test_feed.py",
    "access/test_keys.py",
)  # fmt: skip


@pytest.mark.thorough  # hundreds of tests once more; what differs between databases is tested on both in every run
def test_the_suite_on_postgresql(new_postgres_url: Callable[[], str]) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(str(HERE / suite) for suite in SUITES)]
    environment = {**os.environ, "CREATIVE_TEST_DATABASE": new_postgres_url()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=HERE.parents[1], check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    print(f"on PostgreSQL: {passed[0]}")
    assert int(passed[1]) > 100
