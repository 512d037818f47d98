"""What a server's answer means for the next try: a table of statuses, and the words for those that refuse."""

from typing import Final

from creative_services.core.errors import ReplicaRefusedError

# Another server may well answer: this one is busy, broken or going.
ROTATING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# Seconds a server gets to take a connection; one that needs longer is not there.
CONNECT_SECONDS: Final = 2.0
# The first pause once everybody was tried, and the longest.
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 20.0
_SHOWN: Final = 500


def rotates(status: int) -> bool:
    """Whether another server should be asked."""
    return status in ROTATING or status >= 500


def refusal(status: int, body: str, url: str) -> ReplicaRefusedError:
    """What is raised for an answer that another server would give too."""
    what = "The request is not accepted" if status in (400, 422) else f"The server answered {status}"
    return ReplicaRefusedError(
        f"{what} by {url}: {body[:_SHOWN] or 'no more was said'}. It was not sent to another server; change it.",
        status=status,
        body=body,
    )


def pause_asked(header: str | None) -> float | None:
    """The seconds a Retry-After header names; None when it names a date, or nothing."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
