"""The overview of one organization: its score, how it adds up and moved, what holds it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import feedback, installation
from accounts.access import Capability, Needs, explain, is_open, open_organization
from accounts.contacts import ours
from accounts.preferences import remember
from portal import charts
from portal.pages import moving, peer_panel, products, receipt
from portal.pages.actions.panels import panel
from portal.pages.asking import Asking
from portal.pages.backing import completion, in_words, sentence
from portal.pages.feedback import say_href
from portal.pages.gaps import certainty, losses, missing, signal_count
from portal.pages.goals import brief
from portal.pages.headline import changes, gauge, gauge_label, to_next_band
from portal.pages.insights import insights
from portal.pages.notices import Notice, notices
from portal.pages.resources import by_category, introduction
from portal.pages.shell import Link, shell
from portal.pages.sources import by_source, summary
from portal.pages.trend import asked_period, links, placed, score, trend
from portal.pages.unchanged import conditional
from portal.pages.weakest import weakest
from portal.pages.words import HELP, NOTHING_YET, STATES
from portal.templatetags.scores import add_up_tenths, day, percent, plural, points, whole
from scoring import history, peers, read
from scoring.engine import State
from scoring.peers import Comparison
from scoring.read import CardReading, Reading, TrendPoint

if TYPE_CHECKING:
    from accounts.models import Organization

FIRST_SCORE_AFTER = 31  # days an organization is set up before it has a score (SCORING §6)
CLOSED_TO_CONTACTS = {
    Needs.PLAN: "The plan of this organization does not open the score.",
    Needs.PRODUCT: "This organization owns no product that is scored.",
}


@require_safe
@conditional
def dashboard(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    remember(request.user, organization)
    past = history.of(organization, days=max(asked_period(request).days, history.YEAR))
    card = read.latest(organization, known=past)
    if card is None or card.overall.state in NOTHING_YET:
        page = {"shell": shell(request, organization, here=request.path), "organization": organization}
        asking = {
            "managers": ours(organization),
            "support": installation.current().support_email,
            "sources_href": reverse("sources", args=[slug]),
            "introduction": introduction(),
        }
        return render(request, "portal/no_score.html", page | asking | waiting(organization, card))
    next_ones = panel(card)
    shown = overview(request, card, past) | {
        "shell": shell(request, organization, card, request.path, actions=next_ones.open_ones),
        "organization": organization,
        "actions": next_ones,
    }
    return render(request, "portal/dashboard.html", shown)


# ---------- nothing to show yet ----------


def waiting(organization: "Organization", card: CardReading | None) -> dict[str, object]:
    """Why there is no score yet, and when there will be one."""
    if not organization.products.exists() or (card and card.overall.state is State.NOT_APPLICABLE):
        return {"reason": "no product"}
    first = read.first_day(organization)
    if card is None and first is None:
        return {"reason": "no data"}
    today = timezone.now().date()
    age = card.age_days if card else (today - first).days if first else None
    due = first + timedelta(days=FIRST_SCORE_AFTER) if first else None
    if card is None and due and due <= today:
        return {"reason": "tonight"}
    return {
        "reason": "new",
        "first": first,
        "due": due,
        "age": max(age or 0, 0),
        "wait": FIRST_SCORE_AFTER - 1,
        "certainty": certainty(card) if card else None,
    }


# ---------- the score ----------


def overview(request: Asking, card: CardReading, past: history.History) -> dict[str, object]:
    """Everything the page shows, as ready text and geometry."""
    overall = card.overall
    period = asked_period(request)
    points = read.trend(card.organization, known=past)
    found = peers.newest(card.organization, known=past)
    middle = peer_panel.bracket(found, overall)
    year = [point for point in points if (card.day - point.day).days <= history.YEAR]
    return {
        "card": card,
        "overall": overall,
        "changes": changes(card, overall),
        "gauge": gauge(card, overall, middle),
        "gauge_label": gauge_label(card, overall, middle),
        "bracket": peer_panel.bracket_text(found, overall),
        "to_next": to_next_band(card, overall),
        "sums": sums(card),
        "bar": charts.stack(
            [
                (c.mark or "peer", 100 * (c.share or 0), (c.contribution or 0) / 100)
                for c in overall.children
                if c.share
            ]
        ),
        "bar_label": bar_label(overall),
        "categories": category_cards(card, year, found),
        "trend": trend(card, [p for p in points if (card.day - p.day).days <= period.days], period),
        "periods": links(period),
        "moved": moving.panel(card, past),
        "losses": losses(card),
        "missing": missing(card),
        "certainty": certainty(card),
        "check": receipt.address(card.organization, "overall", card.day),
        "panel": peer_panel.drawn(card.organization, found, overall),
        "weakest": weakest(card),
        "goals": brief(card.organization, card),
        "notices": [*staff_notices(request, card), *notices(card, timezone.now())],
    } | beside(request, card)


def beside(request: Asking, card: CardReading) -> dict[str, object]:
    """What stands beside the score: how sure it is, what stands out, whom to ask, how fresh its data is."""
    asked = products.asked_product(request, card)
    found = by_source(card)
    return {
        "backed": sentence(card.overall),
        "completion": completion(card, card.overall),
        "products": products.product_chips(card, card.overall, asked),
        "through": products.view(card, asked),
        "insights": insights(card, card.overall),
        "managers": ours(card.organization),
        "support": installation.current().support_email,
        "sources": found,
        "freshness": summary(found),
        "sources_href": reverse("sources", args=[card.organization.slug]),
        "feedback": say_href(card, card.overall),
        "help": HELP,
        "introduction": introduction(),
        "topics": by_category(card),
        "review": review(request, card.organization),
    }


def review(request: Asking, organization: "Organization") -> Link | None:
    """The way to asking for a success review, or to the request that waits; None for who may do neither."""
    door = organization.opened
    may_ask = is_open(request.user, door, Capability.REQUEST_REVIEW)
    if not may_ask and not is_open(request.user, door, Capability.ANSWER_REVIEW_REQUEST):
        return None
    href = f"{reverse('plan', args=[organization.slug])}#sr"
    if door.review_asked_at:
        return Link(f"Success review requested on {day(door.review_asked_at)}", href)
    return Link("Success review", href) if may_ask else None


@dataclass(frozen=True)
class Sum:
    """One row of a table that adds up."""

    mark: str
    name: str
    href: str
    score: str
    weight: str
    points: str
    note: str = ""


def sums(card: CardReading) -> list[Sum]:
    """Category score times weight, in parts that add up to what the footer says."""
    categories = card.overall.children
    total = card.overall.points
    if total is None:
        given = ["" for _ in categories]
    else:
        given = add_up_tenths([category.contribution or 0 for category in categories], total)
    return [
        _sum(card, category, gives)
        for category, gives in zip(categories, given, strict=True)
        if category.state is not State.NOT_APPLICABLE
    ]


def _sum(card: CardReading, category: Reading, gives: str) -> Sum:
    href = reverse("category", args=[card.organization.slug, category.node])
    score = points(category.points)
    if card.overall.points is None:
        return Sum(category.mark, category.name, href, score, percent(category.weight), points(None))
    if category.share is None:
        note = f"{percent(category.weight)} shared out"
        return Sum(category.mark, category.name, href, score, points(None), points(None), note)
    return Sum(category.mark, category.name, href, score, percent(category.share), gives)


def bar_label(overall: Reading) -> str:
    """The bar in one sentence."""
    given = ", ".join(
        f"{c.name} gives {points(c.contribution)} of {percent(c.share).rstrip('%')}"
        for c in overall.children
        if c.share is not None
    )
    return f"Of 100 possible points: {given}."


@dataclass(frozen=True)
class CategoryCard:
    """One category in short."""

    reading: Reading
    href: str
    state: str
    weight: str
    changes: list[tuple[int, str]]
    spark: charts.Spark | None
    spark_label: str
    summary: str
    backed: str
    median: str  # where it stood beside that of the peers


def category_cards(
    card: CardReading, history: Sequence[TrendPoint], found: Comparison | None
) -> list[CategoryCard]:
    """The categories side by side; their small lines share one scale."""
    scale = charts.shared_scale(
        [score(point.points.get(c.node)) for point in history for c in card.overall.children]
    )
    return [_category_card(card, reading, history, scale, found) for reading in card.overall.children]


def _category_card(
    card: CardReading,
    reading: Reading,
    history: Sequence[TrendPoint],
    scale: charts.Scale,
    found: Comparison | None,
) -> CategoryCard:
    known = [point for point in history if point.points.get(reading.node) is not None]
    label = ""
    if len(known) > 1:
        first, last = known[0], known[-1]
        label = (
            f"{reading.name} from {day(first.day)} to {day(last.day)}: "
            f"from {whole(first.points[reading.node])} to {whole(last.points[reading.node])}"
        )
    return CategoryCard(
        reading=reading,
        href=reverse("category", args=[card.organization.slug, reading.node]),
        state=STATES[reading.state],
        weight=f"{percent(reading.weight)} of score" if reading.weight else "Not in this score",
        changes=changes(card, reading)[:1],
        spark=charts.spark(placed(history, reading.node), 200, 40, scale) if label else None,
        spark_label=label,
        summary=signal_count(reading),
        backed=in_words(reading),
        median=peer_panel.beside_median(found, reading),
    )


def staff_notices(request: Asking, card: CardReading) -> list[Notice]:
    """What a CSM should know that the customer cannot see: that the customer sees nothing."""
    if card.organization.opened.is_customers:
        return []
    found = []
    if open_ones := feedback.waiting([card.organization.pk]).get(card.organization.pk):
        say = reverse("feedback", args=[card.organization.slug])
        text = "They say something is wrong with the score; the time until the answer is shown to them."
        found.append(Notice(f"{plural(open_ones, 'question')} open", text, say, "Read and answer"))
    unmet = {each.needs for each in explain(request.user, card.organization) if not each.is_met}
    why = next((text for needs, text in CLOSED_TO_CONTACTS.items() if needs in unmet), None)
    return [Notice("Its contacts cannot see this page", why), *found] if why else found
