"""Keys encrypted at rest: AES-GCM, bound to the row they belong to, readable with any of several master keys."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

from creative_services.core.errors import ConfigurationError, MissingDependencyError
from creative_services.core.secrets import Secret, secret
from django_app.llms import conf
from django_app.llms.keys.written import SEALED_PREFIX

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12  # bytes; the size AES-GCM is specified for
_KEY: Final = 32

HOW_TO_MAKE_ONE: Final = "Make a key with `manage.py llms new_key`"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key of ENCRYPTION_KEYS; its id is part of every token sealed with it."""

    id: str
    cipher: "AESGCM"


def new_master_key() -> str:
    """A fresh value for ENCRYPTION_KEYS."""
    return urlsafe_b64encode(token_bytes(_KEY)).decode()


def master_keys() -> tuple[MasterKey, ...]:
    """The keys of the settings, the one that seals first."""
    return _read(conf.current().encryption_keys)


def bound_to(row_id: int) -> bytes:
    """What a token is authenticated with, so that a token copied to another row does not open there."""
    return f"creative_services_llms.Llms.{row_id}.api_key".encode()


def seal(value: str | Secret, row_id: int) -> str:
    """``value`` encrypted with the newest key: ``v1$keyid$token``."""
    key = secret(value) or Secret("")
    keys = master_keys()
    if not keys:
        raise ConfigurationError(
            f"A plain API key cannot be stored: {conf.NAME}['ENCRYPTION_KEYS'] is empty. {HOW_TO_MAKE_ONE} "
            "and put it there, or give the key by reference, such as env:OPENAI_API_KEY."
        )
    nonce = token_bytes(_NONCE)
    sealed = nonce + keys[0].cipher.encrypt(nonce, key.reveal().encode(), bound_to(row_id))
    return f"{SEALED_PREFIX}{keys[0].id}${urlsafe_b64encode(sealed).decode()}"


def unseal(token: str, row_id: int, *, owner: str) -> Secret:
    """The key in ``token``; raises ConfigurationError that says why not, never gives back the token."""
    _, key_id, text = token.split("$", 2)
    key = master_key_of(token)
    if key is None:
        raise ConfigurationError(
            f"{owner}: its API key was sealed with the encryption key {key_id}, which is not in "
            f"{conf.NAME}['ENCRYPTION_KEYS']. Put that key back, or enter the API key again."
        )
    from cryptography.exceptions import InvalidTag

    try:
        sealed = urlsafe_b64decode(text)
        return Secret(key.cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to(row_id)).decode())
    except (InvalidTag, ValueError) as error:  # not base64 and too short are ValueErrors
        raise ConfigurationError(
            f"{owner}: its API key does not open: the text is damaged, or was copied from another row. "
            "Enter the API key again."
        ) from error


def master_key_of(token: str) -> MasterKey | None:
    """The key that opens ``token``, if the settings have it."""
    key_id = token.split("$", 2)[1]
    return next((key for key in master_keys() if key.id == key_id), None)


def sealed_with_newest(token: str) -> bool:
    """Whether rotation has nothing to do for ``token``."""
    keys = master_keys()
    return bool(keys) and token.startswith(f"{SEALED_PREFIX}{keys[0].id}$")


@lru_cache(maxsize=4)
def _read(written: tuple[str, ...]) -> tuple[MasterKey, ...]:
    return tuple(_keys(written))


def _keys(written: tuple[str, ...]) -> Iterator[MasterKey]:
    if not written:
        return
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise MissingDependencyError("Sealing API keys", extra="django", missing="cryptography") from error
    for place, text in enumerate(written, start=1):
        raw = _decoded(text, place)
        yield MasterKey(sha256(raw).hexdigest()[:8], AESGCM(raw))


def _decoded(text: str, place: int) -> bytes:
    try:
        raw = urlsafe_b64decode(text)
    except (NotBase64Error, ValueError):
        raw = b""
    if len(raw) != _KEY:
        raise ConfigurationError(
            f"Number {place} of {conf.NAME}['ENCRYPTION_KEYS'] is not {_KEY} bytes in URL-safe base64. "
            f"{HOW_TO_MAKE_ONE}."
        )
    return raw
