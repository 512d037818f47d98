"""How much of an amount is used, as a bar."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from django_app.llms.admin import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Spent, of at most so much."""

    spent: Decimal
    most: Decimal

    @property
    def percent(self) -> int:
        """0 to 100, and beyond nothing."""
        return min(100, int(100 * self.spent / self.most)) if self.most else 100

    @property
    def told(self) -> str:
        """Spent and limit in words."""
        return f"{words.usd(self.spent)} / {words.usd(self.most)}"

    @property
    def level(self) -> str:
        """good, poor or bad."""
        return "bad" if self.percent >= 100 else "poor" if self.percent >= 80 else "good"

    def html(self, label: str = "") -> SafeString:
        """The bar with its words below."""
        return format_html('<progress class="cs-progress cs-{}" max="100" value="{}"></progress><small>{}</small>',
                           self.level, self.percent, f"{self.told} {label}".strip())  # fmt: skip
