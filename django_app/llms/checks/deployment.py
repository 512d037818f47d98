"""What is dangerous in production; run by ``manage.py check --deploy``."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from pathlib import PurePath
from typing import Any, Final

from django.core import checks
from django.utils import timezone
from django.utils.translation import gettext as _

from django_app.llms import conf
from django_app.llms.checks.rows import active_rows
from django_app.llms.checks.settings import ID
from django_app.llms.keys.written import Kind, kind_of

# Where clouds hand out the machine's own credentials to whoever asks from inside.
_METADATA: Final = ("169.254.169.254", "fd00:ec2::254")

# Variables that are no key of a language model but stand in many environments.
_OTHERS_SECRETS: Final = (
    "SECRET_KEY", "DJANGO_SECRET_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "STRIPE_API_KEY", "GITHUB_TOKEN",
)  # fmt: skip


def _readable() -> Iterator[conf.Settings]:
    if not any(conf.problems()):
        yield conf.current()


def private_endpoints(**_options: Any) -> list[checks.CheckMessage]:
    """S002: the allow-list of endpoints opens the cloud's metadata service."""
    return [
        checks.Warning(
            _("ENDPOINT_ALLOW lets entries call the cloud's metadata service (%(item)s).") % {"item": item},
            hint=_("Name single hosts or narrow networks."),
            id=f"{ID}.S002",
        )
        for found in _readable()
        for item in found.endpoint_allow
        if _holds_metadata(item)
    ]


def _holds_metadata(item: str) -> bool:
    try:
        network = ip_network(item, strict=False)
    except ValueError:
        return False
    return any(ip_address(address) in network for address in _METADATA)


def environment_names(**_options: Any) -> list[checks.CheckMessage]:
    """S004: the allow-list of variables lets entries send other secrets away."""
    return [
        checks.Warning(
            _("ENV_ALLOW has the pattern '%(pattern)s', which also allows %(name)s.")
            % {"pattern": pattern, "name": name},
            hint=_("Name the variables of language model keys one by one, or give them a prefix of their own."),
            id=f"{ID}.S004",
        )
        for found in _readable()
        for pattern in found.env_allow
        for name in _OTHERS_SECRETS
        if fnmatchcase(name, pattern)
    ]


def key_directories(**_options: Any) -> list[checks.CheckMessage]:
    """S006: the allow-list of key files is a whole top directory."""
    return [
        checks.Warning(
            _("FILE_ALLOW allows everything under %(path)s.") % {"path": path},
            hint=_("Name the directory that holds only keys, such as /run/secrets."),
            id=f"{ID}.S006",
        )
        for found in _readable()
        for path in found.file_allow
        if len(PurePath(path).parts) <= 2
    ]


def key_ages(*, databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """S005: a sealed key is older than its rotation period."""
    oldest = [timezone.now() - timedelta(days=found.key_age_days) for found in _readable()]
    return [
        checks.Warning(
            _("The API key of %(row)s was entered on %(date)s.") % {"row": row, "date": row.api_key_changed_at.date()},
            hint=_("Make a new one at the vendor and enter it, or raise KEY_AGE_DAYS."),
            obj=row,
            id=f"{ID}.S005",
        )
        for limit in oldest
        for row in active_rows(databases)
        if kind_of(row.api_key) is Kind.SEALED and row.api_key_changed_at and row.api_key_changed_at < limit
    ]


CHECKS: Final = (private_endpoints, environment_names, key_directories)
DATABASE_CHECKS: Final = (key_ages,)
