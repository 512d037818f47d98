"""Print the lowest version each named extra allows of the vendor SDK of the same name, as pip constraints."""

import re
import sys
import tomllib
from pathlib import Path


def lowest(requirements: list[str], name: str) -> str:
    """``openai>=2.0,<4`` becomes ``openai==2.0``."""
    for requirement in requirements:
        found = re.fullmatch(rf"{name}>=([\d.]+).*", requirement)
        if found:
            return f"{name}=={found[1]}"
    raise SystemExit(f"The extra '{name}' names no lowest version of {name}.")


def main(pyproject: str, *names: str) -> None:
    extras = tomllib.loads(Path(pyproject).read_text())["project"]["optional-dependencies"]
    for name in names:
        sys.stdout.write(lowest(extras[name], name) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
