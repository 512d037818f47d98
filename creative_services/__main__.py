"""``creative-services`` and ``python -m creative_services``."""

import sys

from creative_services.core.errors import MissingDependencyError


def main() -> None:
    """Run the command line, or say which extra brings it."""
    try:
        import rich  # noqa: F401 - a missing one is told here, and not in the middle of a table

        from creative_services.cli.app import app
    except ModuleNotFoundError as error:
        missing = error.name or "typer"
        if missing.startswith("creative_services"):
            raise
        sys.stderr.write(f"{MissingDependencyError('The command line', extra='cli', missing=missing)}\n")
        sys.exit(1)
    app(prog_name="creative-services")


if __name__ == "__main__":
    main()
