"""The file of lines: appended by a thread, complete after a flush, and never a caller's trouble."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from creative_services.telemetry import json_lines
from creative_services.telemetry.json_lines import JsonLines


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_flushed_is_in_the_file(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "x.jsonl")
    for number in range(1000):
        file.write({"n": number})
    assert file.flush()
    assert lines(file.path) == [{"n": number} for number in range(1000)]
    assert file.close()


def test_it_appends_and_leaves_a_rotated_file_alone(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "x.jsonl")
    file.path.write_text('{"n": 0}\n')
    file.write({"n": 1})
    assert file.flush()
    file.path.rename(tmp_path / "x.jsonl.1")
    file.write({"n": 2})
    assert file.close()
    assert lines(tmp_path / "x.jsonl.1") == [{"n": 0}, {"n": 1}]
    assert lines(file.path) == [{"n": 2}]


class Disk:
    """Stands in for ``os.write``: full after so many bytes, until it is freed."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.room is None:
            return self.write(descriptor, data)
        if self.room == 0:
            raise OSError(28, "No space left on device")
        fits, self.room = self.room, 0
        return self.write(descriptor, data[:fits])


def test_a_full_disk_is_reported_once_and_the_file_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk()
    monkeypatch.setattr(json_lines.os, "write", disk)
    file = JsonLines(tmp_path / "x.jsonl")
    file.write({"n": 1})
    assert file.flush()
    disk.room = 4  # the disk fills up in the middle of the line
    for number in (2, 3, 4):
        file.write({"n": number})
        assert file.flush()
    assert file.lost == 3
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        f"{file.path} takes no more lines (No space left on device). Calls go on; what it misses is counted."
    ]
    disk.room = None
    file.write({"n": 5})
    assert file.close()
    assert file.path.read_text().splitlines() == ['{"n": 1}', '{"n"', '{"n": 5}']
    assert "takes lines again; 3 were lost" in caplog.records[-1].getMessage()


def test_a_full_queue_loses_lines_and_waits_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, begun = Event(), Event()

    def slow(descriptor: int, data: bytes) -> int:
        begun.set()
        free.wait(10)
        return os.write(descriptor, data)

    monkeypatch.setattr(json_lines, "_write_whole", slow)
    file = JsonLines(tmp_path / "x.jsonl", room=2)
    file.write({"n": 0})
    assert begun.wait(10)
    for number in range(1, 6):
        file.write({"n": number})
    assert file.lost == 3
    assert not file.flush(timeout=0.01)
    free.set()
    assert file.close()
    assert lines(file.path) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_what_is_no_json_is_lost_and_the_thread_lives_on(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "x.jsonl")
    file.write({1j: "no key of JSON"})
    assert file.flush()
    file.write({"name": "\udc80 half a character"})
    assert file.close()
    assert file.lost == 1
    assert lines(file.path) == [{"name": "\udc80 half a character"}]


def test_a_closed_file_counts_what_comes_late(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "x.jsonl")
    assert file.close()
    file.write({"n": 1})
    assert file.lost == 1
    assert not file.path.exists()


EXITS = """
import sys
from creative_services.telemetry.json_lines import JsonLines
file = JsonLines(sys.argv[1])
for number in range(100):
    file.write({"n": number})
"""

FORKS = """
import os, sys
from creative_services.telemetry.json_lines import JsonLines
file = JsonLines(sys.argv[1])
file.write({"who": "parent"})
child = os.fork()
if child == 0:
    file.write({"who": "child"})
    os._exit(0 if file.close() else 1)
_, status = os.waitpid(child, 0)
file.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [(EXITS, [{"n": number} for number in range(100)]), (FORKS, [{"who": "child"}, {"who": "parent"}])],
    ids=["a program that ends writes what is left", "a forked child writes its own lines only"],
)
def test_in_a_process_of_its_own(tmp_path: Path, script: str, expected: list[Any]) -> None:
    path = tmp_path / "x.jsonl"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, path], check=True, timeout=30)
    assert sorted(lines(path), key=str) == sorted(expected, key=str)
