"""Takes the very steps of deploy/Dockerfile without an engine, then runs what the image runs.

    python3 .ci/image.py CHECKOUT FOLDER

Every COPY and RUN of the build stage is carried out, and no file reaches it that the .dockerignore keeps away. Then the
ENTRYPOINT with the CMD runs in the environment the image gives it: its root read-only but for /data, no capability
left; then `up` in its place. Each must become healthy by the HEALTHCHECK's own command, answer a caller, and end well
on the STOPSIGNAL.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

# Where the image keeps things; each becomes a folder beneath ours.
PLACES = ("/src", "/build", "/venv", "/wheel", "/data", "/var/cache/pip")
PATIENCE = 60.0
KEY = "a-key-that-only-this-run-knows"
SEALED = """
mount --bind "$1" "$1" && mount --bind "$1/data" "$1/data" && mount -o remount,ro,bind "$1" && shift &&
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


@dataclass
class Stage:
    """What one FROM begins."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [rest for name, rest in self.steps if name == word]

    def listed(self, word: str) -> list[str]:
        """The last such instruction's JSON list."""
        said = self.all(word)[-1]
        return list(json.loads(said[said.index("[") :]))

    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for said in self.all("ENV") for pair in shlex.split(said))


def stages(text: str) -> list[Stage]:
    """The file, taken apart."""
    found = [Stage()]
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append(Stage())
        else:
            found[-1].steps.append((word, rest.strip()))
    return found


def sent(checkout: Path) -> Iterator[Path]:
    """The files an engine would be given: the last rule of the .dockerignore that fits decides."""
    rules = [
        line for line in (checkout / "deploy/Dockerfile.dockerignore").read_text().split("\n") if line[:1].strip("#")
    ]
    for path in checkout.rglob("*"):
        name, ignored = str(path.relative_to(checkout)), False
        if not path.is_file() or name.startswith((".venv/", ".git/")):
            continue
        for rule in rules:
            if _fits(name, rule.removeprefix("!")):
                ignored = not rule.startswith("!")
        if not ignored:
            yield path


def _fits(name: str, rule: str) -> bool:
    parents = [name, *map(str, Path(name).parents)]
    rules = [rule, rule.removeprefix("**/")] if rule.startswith("**/") else [rule]
    return any(fnmatch.fnmatch(each, r) and each.count("/") >= r.count("/") for each in parents for r in rules)


class Image:
    """The folders that stand for the image's."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.folder = folder
        self.context = folder / "context"
        shutil.rmtree(folder, ignore_errors=True)
        for path in sent(checkout):
            target = self.context / path.relative_to(checkout)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        for place in PLACES:
            (folder / place[1:]).mkdir(parents=True, exist_ok=True)
        _, self.build, self.last = stages((checkout / "deploy/Dockerfile").read_text())

    def placed(self, text: str) -> str:
        """The image's paths, as ours."""
        for place in PLACES:
            text = re.sub(rf"(?<![\w./-]){place}\b", f"{self.folder}{place}", text)
        return text

    def take_steps(self) -> None:
        """The build stage, in its order."""
        environment = {**os.environ, **{k: self.placed(v) for k, v in self.build.environment().items()}}
        source = self.folder / "src"
        for word, rest in self.build.steps:
            if word == "COPY":
                *names, target = rest.split()
                self._copy(names, source / target)
            elif word == "RUN":
                said = re.sub(r"^(--mount=\S+\s+)+", "", re.sub(r"\s+", " ", rest))
                command = self.placed(said)
                print("+", said, flush=True)
                subprocess.run(["sh", "-euc", command], cwd=source, env=environment, check=True)

    def _copy(self, names: list[str], target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            source = self.context / name
            if source.is_dir():  # of a folder, what is in it is copied
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copy2(source, target)

    def environment(self, **more: str) -> dict[str, str]:
        """What a process of the image sees, and nothing of ours."""
        given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/"}
        for name, value in self.last.environment().items():
            given[name] = self.placed(value.replace("$PATH", given["PATH"]))
        return {**given, **more}


def sealed(folder: Path) -> list[str]:
    """What runs a command with the folder read-only but for its /data; empty where the system does not let us."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    wrapper = [*unshare, "sh", "-c", SEALED, "sealed", str(folder)]
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        print("This system allows no mounts of our own: the image's read-only root is not proved here.")
        return []
    refused = subprocess.run([*wrapper, "touch", str(folder / "venv/x")], capture_output=True, check=False)
    assert refused.returncode, "the root can be written to"
    return wrapper


def try_out(image: Image, given: list[str]) -> None:
    """Run it as an engine would, with these words for the CMD."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    words = [*image.last.listed("ENTRYPOINT"), *map(image.placed, given)]
    assert words[:2] == ["tini", "--"]
    assert "8080" in words
    command = [word.replace("8080", port) for word in words[2:]]
    check = [word.replace(":8080", f":{port}") for word in image.last.listed("HEALTHCHECK")]
    environment = image.environment(CREATIVE_SERVICES_GATEWAY_KEYS=f"ci={KEY}", OPENAI_API_KEY="sk-nobody-calls-it")
    print("+", *command, flush=True)
    process = subprocess.Popen(
        [*sealed(image.folder), shutil.which(command[0], path=environment["PATH"]) or "", *command[1:]],
        env=environment, cwd=image.folder / image.last.all("WORKDIR")[-1][1:],
    )  # fmt: skip
    try:
        _wait_until_healthy(process, check, environment)
        asked = Request(f"http://127.0.0.1:{port}/v1/models", headers={"authorization": f"Bearer {KEY}"})
        with urlopen(asked, timeout=10) as answer:
            assert any(model["id"] == "economy" for model in json.load(answer)["data"])
        process.send_signal(signal.Signals[image.last.all("STOPSIGNAL")[-1]])
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()


def _wait_until_healthy(process: "subprocess.Popen[bytes]", check: list[str], environment: dict[str, str]) -> None:
    end = time.monotonic() + PATIENCE
    while subprocess.run(check, env=environment, capture_output=True, check=False).returncode:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < end, "the server never became healthy"
        time.sleep(0.2)


if __name__ == "__main__":
    made = Image(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
    made.take_steps()
    serve = made.last.listed("CMD")
    try_out(made, serve)
    assert (made.folder / "data/ledger.sqlite3").exists(), "the ledger is not in the volume"
    try_out(made, ["up", *serve[1:], "--data-dir", "/data/site"])
    assert (made.folder / "data/site/site.sqlite3").exists(), "the database is not in the volume"
    print("The image's steps make a gateway and a site that start, answer and stop.")
