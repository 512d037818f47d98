"""The first administrator of a site."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from creative_services.config import environment, setting
from creative_services.core.errors import ConfigurationError
from django_app.project.turns import alone

USERNAME: Final = "CREATIVE_SERVICES_ADMIN_USERNAME"
PASSWORD: Final = "CREATIVE_SERVICES_ADMIN_PASSWORD"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Who was made just now; the password only when it was made up here."""

    username: str
    password: str | None


def first() -> Administrator | None:
    """Make one unless there is one."""
    with alone():
        if _is_administered():
            return None
        username = setting(environment(), USERNAME) or "admin"
        given = setting(environment(), PASSWORD)
        password = given or token_urlsafe(12)
        get_user_model().objects.create_superuser(username=username, password=password)
        return Administrator(username=username, password=None if given else password)


def _is_administered() -> bool:
    return bool(get_user_model().objects.filter(is_superuser=True).exists())


def refuse_weak_password() -> None:
    """Before anything is made with it; one that nobody is going to use is nobody's business."""
    password = setting(environment(), PASSWORD)
    if password is None or _is_administered():
        return
    try:
        validate_password(password)
    except ValidationError as error:
        raise ConfigurationError(f"{PASSWORD}: {' '.join(error.messages)}") from None
