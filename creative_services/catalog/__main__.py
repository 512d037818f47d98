"""``python -m creative_services.catalog refresh``: take today's prices from the installed genai-prices package."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from creative_services.catalog.refresh import PRICES_FILE, rewrite
from creative_services.core.errors import CreativeServicesError
from creative_services.system_clock import SystemClock


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = ArgumentParser(prog="python -m creative_services.catalog", description=__doc__)
    commands = parser.add_subparsers(required=True)
    refresh = commands.add_parser("refresh", help="rewrite the price snapshot and show what changed")
    refresh.add_argument("--output", type=Path, default=PRICES_FILE, help="another file than the one that ships")
    chosen = parser.parse_args(arguments)
    try:
        changes = rewrite(SystemClock().today(), chosen.output)
    except CreativeServicesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{changes or 'Nothing has changed.'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
