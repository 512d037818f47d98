"""The beam of the house: a hold that ends by itself, be it a replica's presence or a user's machine."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """``holder`` has ``subject`` until ``expires_at``. Of two leases on a subject the higher ``token`` is the newer."""

    subject: str
    holder: str
    expires_at: float
    token: int

    def expired(self, now: float) -> bool:
        """Whether the hold is over."""
        return now >= self.expires_at

    def remaining(self, now: float) -> float:
        """Seconds left, 0 when it is over."""
        return max(0.0, self.expires_at - now)

    def renewed(self, now: float, seconds: float) -> "Lease | None":
        """The same hold for longer; None when it is over, since somebody else may have the subject by now."""
        if self.expired(now):
            return None
        # A renewal that was late on its way must not shorten a later one.
        return replace(self, expires_at=max(self.expires_at, now + seconds))

    def held_by(self, holder: str, token: int, now: float) -> bool:
        """Whether ``holder`` may still act under ``token``."""
        return (self.holder, self.token) == (holder, token) and not self.expired(now)

    def outranks(self, other: "Lease | None") -> bool:
        """Whether this is the newer lease of the two."""
        return other is None or self.token > other.token


def granted(
    current: Lease | None, *, subject: str, holder: str, now: float, seconds: float, above: int = 0
) -> Lease | None:
    """A new lease on ``subject``; None while another holder's runs.

    Its token is higher than the last one's and than ``above``, the highest that anyone remembers: a store that lost
    its memory must not hand out a token twice.
    """
    if current and current.holder != holder and not current.expired(now):
        return None
    last = current.token if current else 0
    return Lease(subject=subject, holder=holder, expires_at=now + seconds, token=max(last, above) + 1)


def admits(highest: int, token: int) -> bool:
    """The fence of a resource: it obeys a token unless it has obeyed a higher one before."""
    return token >= highest


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A sign of life and when we first saw it, on our own clock: two computers' clocks are never compared."""

    sign: object
    since: float

    def silent(self, now: float) -> float:
        """For how many seconds there was no new sign."""
        return now - self.since


def sighted(before: Sighting | None, sign: object, now: float) -> Sighting:
    """After looking again: only a sign that changed is a new one."""
    return before if before and before.sign == sign else Sighting(sign=sign, since=now)
