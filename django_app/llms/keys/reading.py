"""From the text of a row to the key that a call uses."""

from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret
from django_app.llms.keys import resolving
from django_app.llms.keys.sealing import unseal
from django_app.llms.keys.written import Kind, kind_of


def read_key(text: str, row_id: int, *, owner: str) -> Secret | None:
    """The key itself, or None when the row has none; raises ConfigurationError with the reason it cannot be had."""
    match kind_of(text):
        case Kind.NONE:
            return None
        case Kind.SEALED:
            return unseal(text, row_id, owner=owner)
        case Kind.REFERENCE:
            return resolving.resolve(text, owner=owner)
    # Not quoted: it may be a key that somebody wrote with SQL.
    raise ConfigurationError(
        f"{owner}: its api_key column holds neither a sealed key nor a reference known here "
        f"({', '.join(f'{name}:' for name in sorted(resolving.schemes()))}). Enter the API key again."
    )
