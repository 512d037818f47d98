"""The manifests, built by kustomize as kubectl has it: valid, careful, and true to the code."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from creative_services.server.settings import Settings
from tests.deploy.files import DEPLOY, PROJECT, passes, program, read
from tests.deploy.promises import parsed, serves, variables

MANIFESTS = DEPLOY / "kubernetes"
OVERLAY = MANIFESTS / "overlays/production"
# The schemas of these versions: one still in service, and the newest known.
VERSIONS = ("1.33", "1.37")
# The parent's patience with the spool, after the workers: HandingOver.stop.
HANDING_OVER = 30


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Every object of the overlay, with the examples of its secrets."""
    copy = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(MANIFESTS, copy)
    for example in (copy / "overlays/production").glob("*.env.example"):
        shutil.copy(example, example.with_suffix(""))
    return objects(copy / "overlays/production")


def objects(folder: Path) -> list[Any]:
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all(passes(program("kubectl"), "kustomize", str(folder))))


def named(built: list[Any], kind: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in built if each["kind"] == kind}


def workloads(built: list[Any]) -> list[Any]:
    found = [each for each in built if "template" in each.get("spec", {})]
    assert {each["kind"] for each in found} == {"Deployment", "StatefulSet"}
    return found


def containers(built: list[Any]) -> list[Any]:
    return [container for each in workloads(built) for container in each["spec"]["template"]["spec"]["containers"]]


def given(container: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_each_folder_can_be_taken_alone() -> None:
    for folder in ("base", "base/gateway", "base/site"):
        assert objects(MANIFESTS / folder)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_its_schema(built: list[Any], version: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    # It answers with the version whose schema it took.
    assert {kubernetes_validate.validate(each, version, strict=True) for each in built} == {version}


def test_secrets_left_out_are_told(tmp_path: Path) -> None:
    copy = tmp_path / "kubernetes"
    shutil.copytree(MANIFESTS, copy, ignore=shutil.ignore_patterns("*.env"))
    command = [program("kubectl"), "kustomize", str(copy / "overlays/production")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "gateway.env" in done.stderr


def test_the_examples_hold_no_secret() -> None:
    for example in OVERLAY.glob("*.env.example"):
        for line in example.read_text().splitlines():
            name, _, value = line.partition("=")
            assert line.startswith("#") or not value or "PASSWORD@" in value, f"{example.name}: {name}"


def test_what_git_ignores_is_what_is_filled_in() -> None:
    ignored = (DEPLOY.parent / ".gitignore").read_text().split()
    assert {"gateway.env", "site.env", ".env"} <= set(ignored)


def test_every_variable_is_read(built: list[Any]) -> None:
    names = {name for each in containers(built) for name in given(each)}
    names |= {name for each in named(built, "Secret").values() for name in each["data"]}
    assert {"CREATIVE_SERVICES_CONFIG", "DATABASE_URL", "CREATIVE_SERVICES_PUBLIC_URL"} <= names
    assert names <= variables()


def test_commands_are_ours_and_listen_where_the_services_send(built: list[Any]) -> None:
    commands = [parsed(container["args"]) for container in containers(built)]
    assert [options["port"] for options in commands] == [8080, 8080]
    for container in containers(built):
        assert {"name": "http", "containerPort": 8080} in container["ports"]
    for service in named(built, "Service").values():
        assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


def test_images_are_this_version(built: list[Any]) -> None:
    base = [*read_base("gateway/deployment.yaml"), *read_base("site/stateful-set.yaml")]
    assert {each["image"] for each in base} == {f"creative-services:{PROJECT['version']}"}
    assert {each["image"].rpartition(":")[2] for each in containers(built)} == {PROJECT["version"]}


def read_base(name: str) -> list[Any]:
    found: list[Any] = read(f"kubernetes/base/{name}")["spec"]["template"]["spec"]["containers"]
    return found


def test_probes_ask_paths_that_are_served(built: list[Any]) -> None:
    for container in containers(built):
        paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
        assert paths == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
        assert all(map(serves, paths.values()))
        assert all(container[f"{name}Probe"]["timeoutSeconds"] >= 2 for name in paths)


def test_there_is_time_for_the_longest_call(built: list[Any]) -> None:
    for each in workloads(built):
        pod = each["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        settings = Settings.from_env(given(container))
        longest = settings.drain_seconds + settings.timeout + 1 + HANDING_OVER
        assert pod["terminationGracePeriodSeconds"] >= longest
        # Not ready must be seen, twice, before the listener closes.
        probe = container["readinessProbe"]
        assert settings.drain_seconds > probe["periodSeconds"] * probe["failureThreshold"]


def test_compose_gives_as_much_time() -> None:
    grace = read("compose.yaml")["services"]["creative-services"]["stop_grace_period"]
    settings = Settings.from_env({})
    assert float(grace.removesuffix("s")) >= settings.drain_seconds + settings.timeout + 1 + HANDING_OVER


def test_pods_are_locked_up(built: list[Any]) -> None:
    for each in workloads(built):
        pod = each["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(image_user())
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
    assert all(each["automountServiceAccountToken"] is False for each in named(built, "ServiceAccount").values())


def image_user() -> str:
    (user,) = re.findall(r"^USER (\d+):", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return str(user)


def test_what_is_written_to_is_mounted(built: list[Any]) -> None:
    for each in workloads(built):
        pod = each["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", ())}
        for container in pod["containers"]:
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert {"/data", "/tmp"} <= set(mounts)
            assert set(mounts.values()) <= volumes


def test_selectors_find_their_pods_and_no_others(built: list[Any]) -> None:
    labels = {each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"] for each in workloads(built)}
    for kind, path in (("Service", ()), ("PodDisruptionBudget", ("matchLabels",)), ("NetworkPolicy", ("matchLabels",))):
        for name, each in named(built, kind).items():
            spec = each["spec"]
            wanted = spec.get("selector") or spec["podSelector"]
            for key in path:
                wanted = wanted[key]
            hits = [pod for pod, have in labels.items() if wanted.items() <= have.items()]
            assert hits == [name.removesuffix("-pods")], f"{kind} {name}"


def test_names_point_at_what_is_there(built: list[Any]) -> None:
    (scaler,) = named(built, "HorizontalPodAutoscaler").values()
    target = scaler["spec"]["scaleTargetRef"]
    assert target["name"] in named(built, target["kind"])
    assert "replicas" not in named(built, "Deployment")[target["name"]]["spec"], (
        "the autoscaler's number is overwritten"
    )
    for each in workloads(built):
        pod = each["spec"]["template"]["spec"]
        assert pod["serviceAccountName"] in named(built, "ServiceAccount")
        for container in pod["containers"]:
            assert all(source["secretRef"]["name"] in named(built, "Secret") for source in container["envFrom"])
        if "serviceName" in each["spec"]:
            assert named(built, "Service")[each["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"
    (ingress,) = named(built, "Ingress").values()
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"]["name"] in named(built, "Service")


def test_nothing_in_the_cluster_is_reached_but_what_is_named(built: list[Any]) -> None:
    for policy in named(built, "NetworkPolicy").values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        blocks = [to["ipBlock"] for rule in policy["spec"]["egress"] for to in rule["to"] if "ipBlock" in to]
        # Among them the address at which clouds tell a machine its credentials.
        assert all("169.254.0.0/16" in block["except"] and "10.0.0.0/8" in block["except"] for block in blocks)


def test_the_entries_file_is_read_as_such() -> None:
    import tomllib

    text = (MANIFESTS / "base/gateway/entries.toml").read_text()
    assert tomllib.loads(text) == {}
    # What stands there as an example is one.
    shown = "\n".join(line.removeprefix("# ") for line in text.splitlines()[2:])
    (entry,) = tomllib.loads(shown)["entries"]
    from creative_services import LLMEntry

    assert LLMEntry(**entry).tier == "local"
