"""The command as a process: the console script's module, signals, pipes, terminals, missing packages, start-up."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from creative_services.testing.vendors import Fault, VendorServer
from tests.cli.conftest import KEY, exported

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": "", **more}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "creative_services", *words]


def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*words), env=environment(**more), capture_output=True, text=True, check=False, timeout=60
    )


def test_it_runs_as_a_module() -> None:
    done = run("generate", "Write a haiku about tiers", "--tier", "economy", "--demo")
    assert (done.returncode, done.stdout) == (0, "[offline demo] You said: Write a haiku about tiers\n")
    assert re.fullmatch(r"Offline demo \(economy\) \(offline/echo\): .* USD, \d\.\d\d s\n", done.stderr)


def test_the_version_is_told() -> None:
    from creative_services import __version__

    assert run("--version").stdout == f"creative-services {__version__}\n"


def test_help_names_every_command() -> None:
    told = run("--help", COLUMNS="100").stdout
    assert all(name in told for name in ("llms", "explain", "generate", "compare", "batch", "doctor", "prices"))


def test_completion_is_offered() -> None:
    assert (
        "_CREATIVE_SERVICES_COMPLETE"
        in run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    )


def test_verbose_shows_the_log_and_no_content() -> None:
    done = run("-v", "generate", "a secret prompt", "--tier", "economy", "--demo")
    assert "INFO creative_services.calls: Call " in done.stderr
    assert "a secret prompt" not in done.stderr


def test_a_closed_pipe_is_quiet() -> None:
    # The reader is gone before the first byte, so whatever the command writes meets a closed pipe.
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as pipe:
        done = subprocess.run(
            command("llms", "--demo"), env=environment(), stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_with_130_and_tells_the_vendor(vendor_server: VendorServer) -> None:
    vendor_server.script(Fault.hang())
    process = subprocess.Popen(
        command("generate", "hi", "--llm-id", "2"),
        env=environment(**exported(vendor_server)),
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for_a_request(vendor_server)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "Interrupted.\n")
    assert vendor_server.wait_cancelled().model == "gpt-4o-mini"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_batch_goes_on_where_it_stopped(vendor_server: VendorServer, tmp_path: Path) -> None:
    prompts, out = tmp_path / "prompts.txt", tmp_path / "out.jsonl"
    prompts.write_text('one\ntwo\n{"prompt": "three", "llm_id": 3}\n')
    vendor_server.script_for("gpt-4o", Fault.hang())
    words = ("batch", str(prompts), "--llm-id", "2", "-o", str(out), "-c", "1")
    surroundings = environment(**exported(vendor_server))
    process = subprocess.Popen(command(*words), env=surroundings, stderr=subprocess.PIPE, text=True)
    _wait_for_a_request(vendor_server, count=3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"kept in {out}.journal; the same command goes on from there." in err
    assert not out.exists()
    done = subprocess.run(command(*words), env=surroundings, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["line"] for line in out.read_text().splitlines()] == [1, 2, 3]
    assert len(vendor_server.requests) == 4


def _wait_for_a_request(server: VendorServer, count: int = 1) -> None:
    for _ in range(600):
        if len(server.requests) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"the command sent {len(server.requests)} requests")


WITHOUT = """
import sys
sys.modules[{module!r}] = None
sys.argv = ["creative-services", "llms"]
from creative_services.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_package_is_one_clear_line(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(module=module)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"The command line needs the package '{module}', which is not installed. "
        "Install it with: pip install 'creative-services[cli]'\n"
    )


LOADS = """
import sys
from creative_services.cli.app import app
try:
    app(["llms", "--json"])
except SystemExit:
    pass
heavy = {"asyncio", "openai", "anthropic", "groq", "httpx", "aiohttp", "genai_prices", "rich.table"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_a_listing_loads_no_sdk_and_no_event_loop(vendor_server: VendorServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADS],
        env=environment(**exported(vendor_server)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert len(json.loads(done.stdout)) == 8


def on_a_terminal(words: Sequence[str], columns: int, surroundings: dict[str, str]) -> tuple[int, str]:
    """(exit code, what is shown) of a command on a terminal of this width."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    surroundings = {**surroundings, "TERM": "xterm-256color"}
    for name in ("COLUMNS", "NO_COLOR"):
        surroundings.pop(name, None)
    process = subprocess.Popen(words, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        shown += more
    os.close(ours)
    return process.wait(30), shown.decode().replace("\r\n", "\n")


def plain(shown: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).splitlines()


@pytest.mark.parametrize("words", [("llms",), ("doctor",), ("explain", "-t", "economy"), ("prices",)], ids=" ".join)
def test_tables_fit_80_columns_without_a_broken_word(vendor_server: VendorServer, words: tuple[str, ...]) -> None:
    _, shown = on_a_terminal(command(*words), 80, environment(**exported(vendor_server)))
    table = [line for line in plain(shown) if not line.startswith(("Broken:", "Soon:"))]
    assert max(map(len, table)) <= 80
    assert "\x1b[" in shown
    assert any("claude-3-haiku-20240307" in line for line in table)
    assert words == ("explain", "-t", "economy") or any("claude-3-5-sonnet-20241022" in line for line in table)


def test_a_comparison_stands_side_by_side(vendor_server: VendorServer) -> None:
    code, shown = on_a_terminal(command("compare", "hi"), 80, environment(**exported(vendor_server)))
    lines = plain(shown)
    assert code == 0
    assert any("economy" in line and "premium" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_on_a_narrow_terminal_the_answers_stand_below_each_other(vendor_server: VendorServer) -> None:
    _, shown = on_a_terminal(command("compare", "hi"), 40, environment(**exported(vendor_server)))
    assert "== economy" in plain(shown)


def test_no_color_is_obeyed(vendor_server: VendorServer) -> None:
    surroundings = {**environment(**exported(vendor_server))}
    _, shown = on_a_terminal(["env", "NO_COLOR=1", *command("llms")], 80, surroundings)
    colours = {code for sequence in re.findall(r"\x1b\[([\d;]*)m", shown) for code in sequence.split(";")}
    assert not {code for code in colours if code.startswith(("3", "4", "9")) and code not in ("3", "4", "9")}


def test_an_answer_cannot_rewrite_the_readers_screen() -> None:
    words = command("generate", "\x1b[2Jgone\x07", "--tier", "economy", "--demo")
    _, shown = on_a_terminal(words, 80, environment())
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    assert "gone" in shown


def test_an_error_is_red(vendor_server: VendorServer) -> None:
    surroundings = environment(**exported(vendor_server))
    code, shown = on_a_terminal(command("generate", "hi", "--llm-id", "99"), 80, surroundings)
    assert code == 1
    assert shown.startswith("\x1b[31mError: There is no entry with id 99.")
    assert KEY not in shown
