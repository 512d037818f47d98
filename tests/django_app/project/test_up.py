"""``creative-services up`` as its user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from shlex import split

import pytest

from tests.django_app.project.ups import Browser, Up, command, environment

pytestmark = pytest.mark.thorough

Starts = Callable[..., Up]


def test_the_demo_answers_the_curl_it_prints_and_opens_the_admin(up: Starts) -> None:
    site = up("--demo").ready()
    line = next(line for line in site.said().splitlines() if line.startswith("Ask:"))
    done = subprocess.run(split(line.removeprefix("Ask:")), capture_output=True, text=True, check=True)
    assert "[offline demo]" in json.loads(done.stdout)["choices"][0]["message"]["content"]
    browser = Browser(site)
    assert browser.log_in("wrong").status == 200
    assert browser.log_in(site.password).status == 302
    page = browser.get("/admin/")
    assert page.status == 200
    assert b"Offline demo (economy)" in browser.get("/admin/creative_services_llms/llms/").content
    style = site.get("/static/admin/css/base.css")
    assert (style.status, style.headers["content-type"].partition(";")[0]) == (200, "text/css")
    assert site.ask("HEAD", "/static/admin/css/base.css").headers["content-length"] == str(len(style.content))
    assert site.get("/").headers["location"] == "/admin/"
    assert site.stop() == 0
    assert "Traceback" not in site.logged()


def test_a_second_start_keeps_everything_and_prints_no_password(up: Starts) -> None:
    first = up("--demo").ready()
    password = first.password
    assert first.call("kept").status == 200
    assert first.stop() == 0
    second = up("--demo").ready()
    assert "password" not in second.said()
    assert Browser(second).log_in(password).status == 302
    assert second.rows() == ["kept"]
    assert "Demo entries" not in second.logged()
    for name in ("secret_key", "encryption_keys"):
        assert (second.data / name).stat().st_mode & 0o777 == 0o600
    assert second.data.stat().st_mode & 0o777 == 0o700


def test_a_given_password_is_used_and_never_printed(up: Starts) -> None:
    site = up(CREATIVE_SERVICES_ADMIN_PASSWORD="correct horse 7", CREATIVE_SERVICES_ADMIN_USERNAME="ann").ready()
    assert Browser(site).log_in("correct horse 7", "ann").status == 302
    assert "horse" not in site.said() + site.logged()


def test_without_the_demo_it_says_what_is_missing(up: Starts) -> None:
    site = up().ready()
    assert "No entry answers yet" in site.said()
    assert site.call().status == 404


def test_the_demo_never_stands_beside_a_real_entry(up: Starts) -> None:
    site = up("--demo", OPENAI_API_KEY="sk-test-0123456789abcdef").ready()
    models = json.loads(site.get("/v1/models").content)
    assert not [model for model in models["data"] if "Offline demo" in model["id"]]


def test_two_at_once_on_one_directory_are_one_too_many(up: Starts, tmp_path: Path) -> None:
    site = up("--demo").ready()
    done = subprocess.run(
        command("--port", "0", "--data-dir", str(site.data)), capture_output=True, text=True, timeout=60, check=False,
        env=environment(),
    )  # fmt: skip
    assert done.returncode == 1
    assert f"process {site.process.pid}" in done.stderr
    assert site.call().status == 200


def test_every_answered_call_is_in_the_table_once_although_workers_are_killed(up: Starts) -> None:
    site = up("--demo", "--workers", "2").ready()
    random, answered, over = Random(5), set[str](), time.monotonic() + 4

    def caller(number: int) -> None:
        count = 0
        while time.monotonic() < over:
            count += 1
            name = f"{number}-{count}"
            try:
                if site.call(name).status == 200:
                    answered.add(name)
            except OSError:
                time.sleep(0.02)
            except Exception:  # half an answer: that worker was killed under it
                continue

    with ThreadPoolExecutor(6) as callers:
        done = [callers.submit(caller, number) for number in range(6)]
        while time.monotonic() < over - 1:
            time.sleep(random.uniform(0.3, 0.6))
            os.kill(random.choice(list(site.children())), signal.SIGKILL)
        for each in done:
            each.result()
    site.ready()
    assert site.stop() == 0
    rows = site.rows()
    assert len(answered) > 50
    assert len(rows) == len(set(rows)), "a call was counted twice"
    assert answered <= set(rows), "an answered call is missing"


def test_sigterm_under_load_cuts_no_call_and_no_page(up: Starts) -> None:
    site = up("--demo", "--workers", "2").ready()
    stopping: list[float] = []
    answered = set[str]()

    def caller(number: int) -> None:
        for count in range(100_000):
            try:
                answer = site.call(f"{number}-{count}") if number % 4 else site.get("/admin/login/")
            except ConnectionRefusedError:
                assert stopping, "refused before anybody asked it to stop"
                return
            assert answer.status == 200
            if number % 4:
                answered.add(f"{number}-{count}")

    with ThreadPoolExecutor(8) as callers:
        done = [callers.submit(caller, number) for number in range(8)]
        time.sleep(1.0)
        stopping.append(time.monotonic())
        assert site.stop() == 0
        for each in done:
            each.result()
    assert sorted(site.rows()) == sorted(answered)


def test_calls_are_answered_while_the_pages_process_is_dead_or_stuck(up: Starts) -> None:
    site = up("--demo").ready()
    assert site.get("/admin/login/").status == 200
    for pid in site.children():
        os.kill(pid, signal.SIGSTOP)
        if _answers(site):
            break  # this one makes the pages
        os.kill(pid, signal.SIGCONT)
    else:
        raise AssertionError("stopping either process stops calls")
    os.kill(pid, signal.SIGKILL)
    assert site.call().status == 200
    end = time.monotonic() + 30
    while site.get("/admin/login/").status != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def _answers(site: Up) -> bool:
    with ThreadPoolExecutor(1) as one:
        asked = one.submit(site.call)
        try:
            return bool(asked.result(timeout=2).status == 200)
        except TimeoutError:
            for pid in site.children():
                os.kill(pid, signal.SIGCONT)
            asked.result()
            return False


def test_behind_a_proxy_cookies_are_secure_and_forms_are_taken(up: Starts) -> None:
    site = up(
        "--demo", CREATIVE_SERVICES_PUBLIC_URL="https://llm.example.com", CREATIVE_SERVICES_TRUSTED_PROXIES="127.0.0.1"
    ).ready()
    assert "https://llm.example.com/admin/" in site.said()
    passed_on = {"host": "llm.example.com", "x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9"}
    browser = Browser(
        site, **passed_on, origin="https://llm.example.com", referer="https://llm.example.com/admin/login/"
    )
    assert browser.log_in(site.password).status == 302
    assert browser.last_cookies
    assert all("; Secure" in cookie for cookie in browser.last_cookies)
    forged = Browser(site, **passed_on, origin="https://evil.example")
    assert forged.log_in(site.password).status == 403


def test_without_a_word_of_trust_forwarded_headers_are_nobodys(up: Starts) -> None:
    site = up("--demo").ready()
    assert site.get("/admin/login/", x_forwarded_host="evil.example").status == 200
    assert site.get("/admin/login/", host="evil.example").status == 400


def test_the_address_it_listens_on_is_a_name_of_it(up: Starts) -> None:
    site = up("--demo", "--host", "127.0.0.2", host="127.0.0.2").ready()
    assert site.get("/admin/login/").status == 200


def test_bodies_in_chunks_are_read_and_large_ones_refused(up: Starts) -> None:
    site = up("--demo").ready()
    browser = Browser(site)
    browser.get("/admin/login/")
    token = browser.cookies["creative_services_csrf"]
    form = f"username=admin&password={site.password}&csrfmiddlewaretoken={token}".encode()
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(form), form)
    answer = site.ask(
        "POST", "/admin/login/?next=/admin/", chunks, transfer_encoding="chunked",
        cookie=f"creative_services_csrf={token}", content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status == 302
    refused = site.ask(
        "POST", "/admin/login/", b"x" * (33 * 1024 * 1024), content_type="application/x-www-form-urlencoded"
    )
    assert refused.status == 413


def test_replicas_register_on_the_same_port_and_do_not_hold_up_the_end(up: Starts) -> None:
    site = up("--demo", "--workers", "2").ready()
    body = '{"replica_id":"r1","endpoint":"localhost:50051","capabilities":[{"model":"qwen2"}]}'
    curl = ["curl", "-sN", "-X", "POST", f"{site.url}/register", "-H", "content-type: application/json", "-d", body]
    with subprocess.Popen(curl, stdout=subprocess.PIPE, text=True) as replica:
        assert replica.stdout
        assert "registered" in replica.stdout.readline()
        end = time.monotonic() + 10
        while site.get("/route?model=qwen2").status != 200:  # the other worker hears of it in a moment
            assert time.monotonic() < end
            time.sleep(0.05)
        begun = time.monotonic()
        assert site.stop() == 0
        assert time.monotonic() - begun < 20
        replica.wait(10)


def test_the_first_key_closes_the_door_within_a_second_and_for_good(up: Starts) -> None:
    site = up("--demo").ready()
    assert site.call().status == 200
    key = _django(site, "access", "create", "tests").strip()
    end = time.monotonic() + 5
    while site.call().status != 401:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert site.call(authorization=f"Bearer {key}").status == 200


def test_a_budget_of_the_admin_is_kept_within_a_second_or_two(up: Starts) -> None:
    site = up("--demo").ready()
    assert site.call().status == 200
    edit = """
from django_app.llms.models import BudgetLimit, Llms
Llms.objects.filter(tier="economy").update(cost_per_1k_input="1", cost_per_1k_output="1")
BudgetLimit.objects.create(limit="0.0001", per="day", scope="client")
"""
    _django(site, "shell", "-v", "0", "-c", edit)
    end = time.monotonic() + 10
    while (status := site.call().status) == 200:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert status in (402, 429)
    assert b"budget" in site.call().content


def test_a_parent_that_is_killed_takes_everybody_along_and_loses_nothing(up: Starts) -> None:
    site = up("--demo", "--workers", "2").ready()
    assert site.call("kept").status == 200
    children = list(site.children())
    site.process.kill()
    site.process.wait(30)
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < end
        time.sleep(0.1)
    again = up("--demo").ready()
    assert again.stop() == 0
    assert again.rows() == ["kept"]


def _django(site: Up, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "django_app.project", *words],
        env=environment(CREATIVE_SERVICES_DATA_DIR=str(site.data)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("environ", "options", "words"),
    [
        ({"DATABASE_URL": "mysql://u:geheim@h/db"}, [], "begins with mysql://"),
        ({"DATABASE_URL": "geheim"}, [], "is no URL"),
        ({"DATABASE_URL": "postgresql://u:geheim@[::1"}, [], "is no URL"),
        ({"DATABASE_URL": "postgresql://u:geheim@127.0.0.1:1/db"}, [], "cannot be reached"),
        ({"REDIS_URL": "http://geheim"}, [], "REDIS_URL begins with none of"),
        ({"NATS_URL": "geheim"}, [], "NATS_URL begins with none of"),
        ({}, ["--host", "0.0.0.0"], "listens on this machine only"),
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": "a-long-enough-key"}, ["--host", "203.0.113.7"], "Cannot listen"),
        ({}, ["--data-dir", "/proc/nowhere"], "cannot be written"),
        ({"CREATIVE_SERVICES_ADMIN_PASSWORD": "geheim"}, [], "CREATIVE_SERVICES_ADMIN_PASSWORD: "),
        ({"CREATIVE_SERVICES_PUBLIC_URL": "llm.example.com"}, [], "is no address such as"),
        ({"CREATIVE_SERVICES_TRUSTED_PROXIES": "proxy"}, [], "CREATIVE_SERVICES_TRUSTED_PROXIES"),
    ],
)
def test_a_mistake_is_one_sentence(environ: dict[str, str], options: list[str], words: str, tmp_path: Path) -> None:
    done = subprocess.run(
        command("--port", "0", "--data-dir", str(tmp_path / "data"), *options),
        env=environment(**environ), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr + done.stdout
    assert "password" not in done.stdout


def test_a_port_in_use_is_told_and_no_password_is_lost(up: Starts, tmp_path: Path) -> None:
    site = up("--demo").ready()
    done = subprocess.run(
        command("--port", str(site.port), "--data-dir", str(tmp_path / "other")), env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{site.port}" in done.stderr
    assert "password" not in done.stdout  # nobody was made yet: the next start prints it
