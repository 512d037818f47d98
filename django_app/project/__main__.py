"""``python -m django_app.project``: Django's commands for the ready-made site, such as ``access create alice``.

The data directory is the one of ``up``; CREATIVE_SERVICES_DATA_DIR names another.
"""

import sys

from django.core.management import execute_from_command_line
from django.db import DatabaseError

from creative_services.core.errors import CreativeServicesError
from django_app.project.planes import enter


def main() -> None:
    """Run one command."""
    try:
        enter()
        execute_from_command_line(["python -m django_app.project", *sys.argv[1:]])
    except CreativeServicesError as error:
        sys.exit(f"Error: {error}")
    except DatabaseError as error:
        sys.exit(f"Error: The database: {error}. `up` prepares it, and so does `python -m django_app.project migrate`.")


if __name__ == "__main__":
    main()
