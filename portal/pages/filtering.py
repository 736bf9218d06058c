"""Which signals of a category somebody asked to see: all, below peers, moved, without data; one product's."""

from dataclasses import dataclass, replace

from django.http import Http404
from django.utils.http import urlencode

from portal.pages.asking import Asking
from portal.pages.products import Chip, asked_product, query
from portal.templatetags.scores import ARROW_FROM
from scoring import read
from scoring.engine import Product
from scoring.read import CardReading, Reading

# By what is asked for: what the choice is called.
SHOWS = {"": "All", "below": "Below peers", "moved": "Moved", "silent": "No data"}


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    show: str
    product: Product | None
    below: frozenset[str] = frozenset()  # the signals below the median of the peers

    @property
    def is_all(self) -> bool:
        return not self.show and self.product is None

    @property
    def kept(self) -> str:
        """The same, to go on with behind another part of an address."""
        parts = {"show": self.show, "product": self.product.key if self.product else ""}
        given = {name: text for name, text in parts.items() if text}
        return f"&{urlencode(given)}" if given else ""


EVERY = Asked("", None)  # nothing was asked for


def asked_filter(request: Asking, card: CardReading, below: frozenset[str] = frozenset()) -> Asked:
    """The filter of the address; raise Http404 for one that is none."""
    show = request.GET.get("show", "")
    if show not in SHOWS:
        raise Http404("No such filter.")
    return Asked(show, asked_product(request, card), below)


def is_shown(signal: Reading, asked: Asked) -> bool:
    """Whether the filter leaves this signal."""
    if asked.product and (signal.signal is None or signal.signal.product != asked.product.key):
        return False
    return FITS[asked.show](signal, asked)


def is_below(signal: Reading, asked: Asked) -> bool:
    """Below the median of the peers, at the same close."""
    return signal.node in asked.below


def is_moved(signal: Reading, _: Asked) -> bool:
    """By as much as makes an arrow, in 30 days."""
    return signal.change_30 is not None and abs(signal.change_30) >= ARROW_FROM


def is_silent(signal: Reading, _: Asked) -> bool:
    """It applies and has no number."""
    return bool(signal.weight) and signal.points is None


FITS = {"": lambda *_: True, "below": is_below, "moved": is_moved, "silent": is_silent}


def chips(node: Reading, asked: Asked, *, with_peers: bool = False) -> list[Chip]:
    """A choice for each, with what it leaves of the product that is chosen."""
    signals = [each for each in read.walk(node) if each.signal]
    product = asked.product.key if asked.product else ""
    offered = [show for show in SHOWS if show != "below" or with_peers or asked.show == show]
    counts = {show: sum(is_shown(each, replace(asked, show=show)) for each in signals) for show in offered}
    return [
        Chip(text, query(show=show, product=product), counts[show], show == asked.show)
        for show, text in SHOWS.items()
        if show in counts
    ]
