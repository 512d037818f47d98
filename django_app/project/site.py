"""How a site is set up, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from creative_services.config import environment, setting
from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret, secret
from creative_services.server.control.forwarded import NOBODY, Proxies

DATA_DIR: Final = "CREATIVE_SERVICES_DATA_DIR"
PUBLIC_URL: Final = "CREATIVE_SERVICES_PUBLIC_URL"
ALLOWED_HOSTS: Final = "CREATIVE_SERVICES_ALLOWED_HOSTS"
TRUSTED_PROXIES: Final = "CREATIVE_SERVICES_TRUSTED_PROXIES"
ENDPOINT_ALLOW: Final = "CREATIVE_SERVICES_ENDPOINT_ALLOW"
SECRET_KEY: Final = "CREATIVE_SERVICES_SECRET_KEY"  # noqa: S105 - a variable's name
ENCRYPTION_KEYS: Final = "CREATIVE_SERVICES_ENCRYPTION_KEYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site, the same in each of its processes."""

    data_dir: Path
    database_url: Secret | None = None
    redis_url: str = field(default="", repr=False)
    nats_url: str = field(default="", repr=False)
    public_url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    proxies: Proxies = NOBODY
    endpoint_allow: tuple[str, ...] = ()
    secret_key: Secret | None = None
    encryption_keys: tuple[Secret, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """What the environment says; every variable is optional."""
        environ = environment() if environ is None else environ
        return cls(
            data_dir=Path(setting(environ, DATA_DIR) or default_data_dir(environ)).expanduser().absolute(),
            database_url=secret(setting(environ, "DATABASE_URL")),
            redis_url=setting(environ, "REDIS_URL") or "",
            nats_url=setting(environ, "NATS_URL") or "",
            public_url=_public_url(setting(environ, PUBLIC_URL)),
            allowed_hosts=_words(environ, ALLOWED_HOSTS),
            proxies=Proxies.parse(setting(environ, TRUSTED_PROXIES), variable=TRUSTED_PROXIES),
            endpoint_allow=_words(environ, ENDPOINT_ALLOW),
            secret_key=secret(setting(environ, SECRET_KEY)),
            encryption_keys=tuple(Secret(word) for word in _words(environ, ENCRYPTION_KEYS)),
        )

    @property
    def roster_url(self) -> str:
        """The store in which workers share the roster of replicas, and pages read it."""
        return self.nats_url or self.redis_url or f"sqlite:///{self.data_dir}/replicas.sqlite3"

    @property
    def is_https(self) -> bool:
        """Whether people reach the site by TLS, which a proxy ends for us."""
        return self.public_url.startswith("https://")

    @property
    def public_host(self) -> str:
        """The name people reach the site by; empty when nobody has said."""
        return urlsplit(self.public_url).hostname or ""


def default_data_dir(environ: Mapping[str, str]) -> str:
    """Where this system keeps what programs remember."""
    return f"{setting(environ, 'XDG_STATE_HOME') or '~/.local/state'}/creative-services/site"


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in (setting(environ, name) or "").split(",") if word.strip())


def _public_url(written: str | None) -> str:
    if written is None:
        return ""
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ConfigurationError(f"{PUBLIC_URL}={written!r} is no address such as https://llm.example.com.")
    return f"{parts.scheme}://{parts.netloc}"
