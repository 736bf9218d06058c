"""What the address of the hub asks for: which list, which filters, in which order; and what is not known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.http import urlencode

from recommendations import finding
from recommendations.finding import Wanted
from scoring.engine import Scorecard

# By name in the address: what it is called on the page.
NAMES = {
    "status": "List",
    "category": "Category",
    "subcategory": "Subcategory",
    "signal": "Signal",
    "product": "Product",
    "horizon": "Horizon",
    "quick": "Quick wins",
    "owner": "Owner",
    "tag": "Tag",
    "q": "Search",
    "sort": "Order",
}
MORE = ("subcategory", "signal", "product", "horizon", "quick", "owner", "tag")  # behind "More filters"


@dataclass(frozen=True)
class Asked:
    """The parts of the address, what they mean, and what is wrong with them."""

    texts: Mapping[str, str]
    wanted: Wanted
    problems: tuple[str, ...]
    here: str = ""  # of the hub

    @property
    def is_filtered(self) -> bool:
        return any(name not in ("status", "sort") for name in self.texts)

    @property
    def has_more(self) -> bool:
        return any(name in MORE for name in self.texts)

    @property
    def outside(self) -> Mapping[str, str]:
        """What stands outside of "More filters", and stays as it is when they change."""
        return {name: text for name, text in self.texts.items() if name not in MORE}

    @property
    def kept(self) -> str:
        return urlencode(self.texts)

    def query(self, **changed: str) -> str:
        """The address with these parts changed; empty ones are left out."""
        parts = {name: text for name, text in {**self.texts, **changed}.items() if text}
        return f"{self.here}?{urlencode(parts)}" if parts else self.here


def asked(given: Mapping[str, str], scorecard: Scorecard, owners: Collection[int], here: str) -> Asked:
    """What is asked for; every part that cannot be read is named with what was given."""
    texts = {name: given.get(name, "").strip()[: finding.LONGEST_PART] for name in NAMES}
    wanted, unknown = finding.read(texts, scorecard, owners)
    problems = [f"{NAMES[name]}: “{text[:40]}” is not known here." for name, text in unknown.items()]
    return Asked(
        {name: text for name, text in texts.items() if text and name not in unknown},
        wanted,
        tuple(problems),
        here,
    )
