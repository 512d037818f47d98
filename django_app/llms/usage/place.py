"""Where a process keeps its spool: one directory for each database, so that only its own rows are handed to it."""

import os
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from django.db import connections

from creative_services.core.errors import ConfigurationError
from django_app.llms import conf

_IDENTITY: Final = ("ENGINE", "NAME", "HOST", "PORT")


def directory(using: str) -> Path:
    """The directory for a database; below SPOOL_DIR, or else where this system keeps temporary files."""
    settings = connections.settings[using]
    identity = sha256("|".join(str(settings[name]) for name in _IDENTITY).encode()).hexdigest()[:12]
    root = conf.current().spool_dir
    return (Path(root).expanduser() if root else _temporary()) / f"usage-{identity}"


def _temporary() -> Path:
    owner = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(gettempdir()) / f"creative-services-{owner}"
    path.mkdir(mode=0o700, exist_ok=True)
    # Everybody may write to that place, and somebody else may have been there first.
    if path.is_symlink() or (hasattr(os, "getuid") and path.stat().st_uid != owner):
        raise ConfigurationError(
            f"{path} belongs to somebody else. Set {conf.NAME}['SPOOL_DIR'] to a directory of yours."
        )
    return path
