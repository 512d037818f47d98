"""compose.yaml: valid to Compose itself, careful, and true to the code and to the servers it configures."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, PROJECT, leaves, passes, program, read
from tests.deploy.promises import parsed, variables
from tests.servers import free_ports

COMPOSE = read("compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
SECRET = "123456789012345678901234"  # hexadecimal, and to a parser that is not told better a number
EXAMPLE = dict(
    line.split("=", 1) for line in (DEPLOY / ".env.example").read_text().splitlines() if "=" in line and line[0] != "#"
)


def filled_in(tmp_path: Path) -> str:
    """The example, as a user fills it in."""
    path = tmp_path / "env"
    path.write_text("\n".join(f"{name}={value or SECRET}" for name, value in EXAMPLE.items()))
    return str(path)


def test_its_schema_is_that_of_the_specification() -> None:
    passes(program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"))


def test_compose_itself_understands_it(tmp_path: Path) -> None:
    compose = [program("docker-compose"), "-f", str(DEPLOY / "compose.yaml")]
    passes(*compose, "--env-file", filled_in(tmp_path), "config", "--quiet")


def test_nothing_starts_with_a_secret_left_out(tmp_path: Path) -> None:
    compose = [program("docker-compose"), "-f", str(DEPLOY / "compose.yaml")]
    for name in required():
        without = tmp_path / name
        without.write_text("\n".join(f"{n}={v or SECRET}" for n, v in EXAMPLE.items() if n != name))
        done = subprocess.run(
            [*compose, "--env-file", str(without), "config"], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert name in done.stderr


def required() -> set[str]:
    return set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))


def test_every_secret_is_required_and_none_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    named = set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEYS))\b", text))
    named |= {each["environment"] for each in COMPOSE["secrets"].values()}
    assert named
    assert all(EXAMPLE[name] == "" for name in named)
    assert re.findall(r"\$\{\w*(?:PASSWORD|SECRET|KEYS?):?-\w", text) == []
    assert named <= required()


def test_the_example_names_what_is_used_and_nothing_else() -> None:
    used = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    used |= {each["environment"] for each in COMPOSE["secrets"].values()}
    assert used == set(EXAMPLE)


def test_the_server_is_started_as_it_can_be() -> None:
    options = parsed(SERVICES["creative-services"]["command"])
    assert str(options["data_dir"]) == "/data"
    assert options["port"] == 8080


def test_its_variables_are_read() -> None:
    given = set(SERVICES["creative-services"]["environment"])
    assert {"DATABASE_URL", "REDIS_URL", "NATS_URL"} <= given
    assert given <= variables()


def test_its_image_is_this_version() -> None:
    assert SERVICES["creative-services"]["image"] == f"creative-services:{PROJECT['version']}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_watched_bounded_and_locked_up(name: str) -> None:
    service = SERVICES[name]
    # Ours has its check in the image.
    assert "healthcheck" in service or name == "creative-services"
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["cap_drop"] == ["ALL"]
    assert ":" in service["image"]
    assert not service["image"].endswith(":latest")
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_it_mounts_exists(name: str) -> None:
    for written in SERVICES[name]["volumes"]:
        source = written.partition(":")[0]
        if source.startswith("."):
            assert (DEPLOY / source).exists(), written
            assert written.endswith(":ro"), written
        else:
            assert source in COMPOSE["volumes"], written


def test_only_the_gateway_is_published_and_grafana_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "creative-services": ["${PUBLISH:-127.0.0.1:8080}:8080"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_the_databases_network_leads_nowhere() -> None:
    for name in ("postgres", "redis", "nats"):
        assert [COMPOSE["networks"][net]["internal"] for net in SERVICES[name]["networks"]] == [True]


def test_it_waits_until_its_databases_are_well() -> None:
    waits = SERVICES["creative-services"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in ("postgres", "redis", "nats")}


def test_addresses_are_those_of_the_services() -> None:
    environment = SERVICES["creative-services"]["environment"]
    hosts = {
        re.sub(r".*@([\w-]+):(\d+).*", r"\1:\2", environment[f"{name}_URL"]) for name in ("DATABASE", "REDIS", "NATS")
    }
    assert hosts == {"postgres:5432", "redis:6379", "nats:4222"}


def test_prometheus_scrapes_the_server_and_grafana_asks_prometheus() -> None:
    (job,) = [
        job for job in read("prometheus/prometheus.yml")["scrape_configs"] if job["job_name"] == "creative-services"
    ]
    (found,) = job["dns_sd_configs"]
    assert found["names"] == ["creative-services"]
    assert found["port"] == 8080
    (source,) = read("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = read("grafana/provisioning/dashboards/files.yml")["providers"]
    mounts = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/dashboard.json" in mounts


def test_nats_reads_its_file_whatever_the_password_looks_like(tmp_path: Path) -> None:
    written = SERVICES["nats"]["environment"]["NATS_PASSWORD"]
    password = re.sub(r"\$\{.*?\}", SECRET, written)
    config = tmp_path / "nats.conf"
    config.write_text((DEPLOY / "nats/server.conf").read_text().replace("/data", str(tmp_path)))
    passes(program("nats-server"), "-c", str(config), "-t", env={"NATS_PASSWORD": password})


@pytest.mark.thorough
def test_redis_takes_its_password_and_a_signal(tmp_path: Path) -> None:
    server, (port,) = program("redis-server"), free_ports(1)
    (tmp_path / "secret").write_text(SECRET)
    *shell, script = SERVICES["redis"]["command"]
    script = script.replace("docker-entrypoint.sh redis-server -", f"{server} - --port {port} --bind 127.0.0.1")
    script = script.replace("$$", "$").replace("/run/secrets/redis_password", str(tmp_path / "secret"))
    process = subprocess.Popen([*shell, script], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        import redis
        from redis.backoff import ConstantBackoff
        from redis.retry import Retry

        patient = Retry(ConstantBackoff(0.1), 100)
        with redis.Redis(port=port, password=SECRET, retry=patient, retry_on_error=[ConnectionError]) as client:
            assert client.ping()
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()


def test_no_text_names_a_place_images_come_from() -> None:
    assert [text for text in leaves(COMPOSE) if re.match(r"[\w-]+(\.[\w-]+)+/", text)] == []
