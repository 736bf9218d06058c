"""One recommendation with everything about it: beside the list, as a page, and as an answer to a button."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from accounts.reviews import open_request
from portal.pages.actions.page import Option, frame, hub, planner, scored
from portal.pages.actions.rows import Choice, Hand, Row, hand, reason, row
from portal.pages.asking import Asking
from portal.templatetags.scores import NOTHING, change, day, plural, points, whole
from recommendations import evidence, finding, lifecycle, playbook
from recommendations.lifecycle import Change, Status
from recommendations.plays import Link as PlayLink
from recommendations.plays import LinkKind, Play
from scoring.read import CardReading

if TYPE_CHECKING:
    from accounts.models import Organization
    from recommendations.models import Recommendation, RecommendationChange

A_PAGE = 12  # lines of the log


@dataclass(frozen=True)
class Line:
    """One thing that happened to it."""

    when: str
    text: str
    note: str


@dataclass(frozen=True)
class Sent:
    """What somebody typed that could not be kept: nothing of it is lost."""

    status: str = ""
    reason: str = ""
    note: str = ""
    own: str = ""
    wish: str = ""
    answer: str = ""
    due: str = ""
    tags: str = ""
    owner: str = ""
    title: str = ""
    text: str = ""
    problems: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()
    field: str = ""  # that could not be kept


NOTHING_SENT = Sent()


@dataclass(frozen=True)
class Detail:
    """One recommendation, ready to be shown to one person."""

    row: Row
    organization: str
    about: str
    here: str
    back: str
    share: str
    choices: tuple[Choice, ...]
    since: str
    effect_title: str
    effects: list[tuple[str, str]]
    effect_note: str
    evidence: str
    brought: list[tuple[str, str]]
    signal: str
    signal_href: str
    owners: list[Option]
    due: str
    tags: str
    log: list[Line]
    older: str
    newer: str
    planner: str
    arrange: str
    note: str
    sent: Sent
    is_asking: bool  # for the reason to archive it
    problems: tuple[str, ...]
    conflict: tuple[str, ...]
    cost: str = ""
    first_step: str = ""
    steps: tuple[str, ...] = ()
    prerequisites: list[tuple[str, str]] = field(default_factory=list)
    proof: str = ""
    links: list[Any] = field(default_factory=list)
    coaching: str = ""
    ask_href: str = ""
    answer_href: str = ""
    asks_coaching: bool = False
    answers_coaching: bool = False
    tailor: str = ""
    reword: str = ""
    orders: list[tuple[str, str]] = field(default_factory=list)
    words: Mapping[str, str] = field(default_factory=dict)
    is_rewording: bool = False


@require_safe
def action(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    found, able = one(request, organization, public_id)
    return answer(request, organization, found, able)


def one(request: Asking, organization: "Organization", public_id: UUID) -> "tuple[Recommendation, Hand]":
    """The organization's recommendation of this id, and what the person may do with it; else Http404."""
    able = hand(request.user, organization)
    mine = finding.of(organization, request.user, sees_hidden=bool(able.tailors))
    found = (
        mine.select_related("owner", "status_by", "playbook")
        .defer("playbook__text")
        .filter(public_id=public_id)
        .first()
    )
    if found is None:
        raise Http404("No such recommendation.")
    return found, able


def answer(
    request: Asking,
    organization: "Organization",
    found: "Recommendation",
    able: Hand,
    sent: Sent = NOTHING_SENT,
    status: int = 200,
) -> HttpResponse:
    """The page with this one beside the list; to htmx, which asks for the detail alone, only that."""
    card = scored(organization)
    if card is None:
        raise Http404("There is no score to recommend anything from.")
    detail = detailed(request, organization, found, able, card, sent)
    if is_part(request):
        page: dict[str, Any] = {"detail": detail, "row": detail.row, "hand": able, "back": detail.back}
        page["is_listed"] = status != HTTPStatus.OK and bool(request.POST.get("listed"))
        response = render(request, "recommendations/detail_part.html", page, status=status)
        if status != HTTPStatus.OK:  # whatever was to change, this opens beside the list
            response["HX-Retarget"], response["HX-Reswap"] = "#detail", "innerHTML"
            response["HX-Push-Url"] = detail.here
        return response
    page = frame(request, organization, card)
    page |= hub(request, organization, card, on=str(found.public_id))
    page["detail"] = detail
    return render(request, "recommendations/actions.html", page, status=status)


def is_part(request: Asking) -> bool:
    """Whether htmx asks, for a part of a page it has."""
    asks_again = request.headers.get("HX-History-Restore-Request") == "true"
    return request.headers.get("HX-Request") == "true" and not asks_again


def detailed(
    request: Asking,
    organization: "Organization",
    found: "Recommendation",
    able: Hand,
    card: CardReading,
    sent: Sent,
) -> Detail:
    """Everything about it as ready text."""
    slug, address = organization.slug, [organization.slug, found.public_id]
    shown = row(found, card.scorecard, able, slug=slug)
    page = Paginator(found.changes.select_related("by"), A_PAGE).get_page(request.GET.get("log"))
    here = reverse("action", args=address)
    signal = card.by_node.get(found.signal)
    kept = request.GET.copy()
    kept.pop("log", None)
    query = f"?{kept.urlencode()}" if kept else ""
    wished = sent.status or found.status
    return Detail(
        row=shown,
        organization=organization.name,
        about=found.own_text or reason(found, card.scorecard),
        here=f"{here}{query}",
        back=f"{reverse('actions', args=[slug])}{query}",
        share=request.build_absolute_uri(here),
        choices=tuple(Choice(each.key, each.text, each.key == wished) for each in shown.choices),
        since=since(found),
        **effects(found, card),
        evidence=str(evidence.evidence(found.play) or "") if found.play else "",
        brought=brought(found),
        signal=signal.name if signal else found.signal,
        signal_href=reverse("signal", args=[slug, found.signal]) if signal else here,
        owners=[
            Option(str(each.pk), str(each), str(each.pk) == (sent.owner or str(found.owner_id)))
            for each in lifecycle.owners(organization)
        ]
        if shown.choices
        else [],
        due=sent.due or (found.due_on.isoformat() if found.due_on else ""),
        tags=sent.tags or ", ".join(found.tags),
        log=[line(each) for each in page],
        older=f"?log={page.next_page_number()}#log" if page.has_next() else "",
        newer="?#log" if page.has_previous() else "",
        planner=f"{way}?pick={found.public_id}" if (way := planner(slug)) and shown.is_open else "",
        arrange=reverse("action-arrange", args=address),
        note=reverse("action-note", args=address),
        sent=sent,
        is_asking=sent.field == "reason",
        problems=sent.problems,
        conflict=sent.conflict,
        **played(organization, found),
        **booked(found, able, address),
        **tailored(organization, found, able, address, sent),
    )


def booked(found: "Recommendation", able: Hand, address: list[Any]) -> dict[str, Any]:
    """The session that was asked for last, and what this person can do about one."""
    asked = found.coaching_requests.select_related("asked_by", "answered_by").first()
    said = ""
    if asked is not None:
        wish = f": “{asked.wish}”" if asked.wish else ""
        said = f"{asked.asked_by or 'Someone'} on {day(timezone.localtime(asked.asked_at).date())}{wish}."
        said += (
            f" {asked.answered_by or 'We'} answered: “{asked.answer}”"
            if asked.answered_at
            else " No answer yet."
        )
    is_waiting = asked is not None and asked.answered_at is None
    return {
        "coaching": said,
        "ask_href": reverse("action-coaching", args=address),
        "answer_href": reverse("action-coaching-answer", args=address),
        "asks_coaching": able.asks and not is_waiting,
        "answers_coaching": bool(able.answers) and is_waiting,
    }


def tailored(
    organization: "Organization", found: "Recommendation", able: Hand, address: list[Any], sent: Sent
) -> dict[str, Any]:
    """What those who look after the organization can change about it."""
    if not able.tailors:
        return {}
    play = finding.play_of(found)
    own = found.own_text or (play.why if play else "")
    return {
        "tailor": reverse("action-tailor", args=address),
        "reword": reverse("action-reword", args=address),
        "orders": buttons(found, is_asked=open_request(organization) is not None),
        "words": {"title": sent.title or found.title, "text": sent.text or own},
        "is_rewording": bool(sent.title or sent.text),
    }


def buttons(found: "Recommendation", *, is_asked: bool) -> list[tuple[str, str]]:
    """What can be done with it now: what is posted, and its words."""
    pinned = ("unpin", "Unpin") if found.pinned_at else ("pin", "Pin")
    shown = ("show", "Show to the customer") if found.hidden_at else ("hide", "Hide from the customer")
    some = [pinned, ("up", "Move up"), ("down", "Move down"), shown]
    if found.position is not None:
        some.append(("model", "Back to the ranker’s order"))
    if found.review_id:
        some.append(("unreview", "Take out of the review"))
    elif is_asked:
        some.append(("review", "Put into the review"))
    return some


ICONS = {LinkKind.ARTICLE: "quote", LinkKind.TRAIL: "grad", LinkKind.COACHING: "people"}


@dataclass(frozen=True)
class Help:
    """Where to read on, or whom to ask."""

    title: str
    about: str
    href: str
    icon: str


def played(organization: "Organization", found: "Recommendation") -> dict[str, Any]:
    """What the play says is to be done, and how."""
    play = finding.play_of(found)
    if play is None:
        return {}
    plan = organization.opened.plan.plan if organization.opened.plan else ""
    return {
        "cost": play.cost_note,
        "first_step": play.first_step,
        "steps": play.steps,
        "proof": play.evidence,
        "prerequisites": prerequisites(organization, found, play),
        "links": [
            Help(each.title, about(each, plan), help_address(each.path), ICONS[each.kind])
            for each in play.links
            if settings.HELP_SITE or each.kind == LinkKind.COACHING
        ],
    }


def prerequisites(organization: "Organization", found: "Recommendation", play: Play) -> list[tuple[str, str]]:
    """What comes before it: how far that is, and its page where it was recommended."""
    if not play.prerequisites:
        return []
    book = playbook.in_force()
    there = {
        each.play: each
        for each in organization.recommendations.filter(play__in=play.prerequisites, hidden_at=None)
    }
    said = []
    for key in play.prerequisites:
        if (known := there.get(key)) is not None:
            href = reverse("action", args=[organization.slug, known.public_id])
            said.append((f"{known.title} ({known.get_status_display()})", href))
        elif key in book.by_key:
            said.append((book.by_key[key].title, ""))
    return said


def about(link: PlayLink, plan: str) -> str:
    """Trail, 3 modules, 100 min."""
    parts = [
        link.kind.capitalize(),
        plural(link.modules, "module") if link.modules else "",
        f"{link.minutes} min",
    ]
    if link.kind == LinkKind.COACHING:
        parts.append("included in your plan" if plan in link.included_in else "not included in your plan")
    return ", ".join(part for part in parts if part)


def help_address(path: str) -> str:
    """The page below the vendor's help site; empty where there is none."""
    return urljoin(settings.HELP_SITE, f"/{path}") if settings.HELP_SITE else ""


def since(found: "Recommendation") -> str:
    """In Progress since 16 Nov 2026, set by Maren Holt."""
    at = day(timezone.localtime(found.status_at).date())
    if found.status == Status.NEW and found.status_by_id is None:
        return f"Suggested {day(found.suggested_on)}"
    who = f"set by {found.status_by}" if found.status_by_id else "set by the night"
    text = f"{found.get_status_display()} since {at}, {who}"
    if found.status == Status.ARCHIVED:
        text += f": “{found.archived_reason}”"
    if found.verified_on:
        text += f". Verified {day(found.verified_on)}: the signal was at its target for seven nights running"
    return f"{text}."


def effects(found: "Recommendation", card: CardReading) -> dict[str, Any]:
    """What the engine says would follow: the signal, its category, the score; from and to."""
    if found.gain is None:
        why = found.not_estimated or "The signal has no number now."
        return {"effect_title": "Expected effect", "effects": [], "effect_note": f"Not estimated: {why}"}
    rows = []
    for node in (found.signal, found.category, "overall"):
        pair = found.effects.get(node)
        if node == found.signal and not pair and found.points is not None and found.target is not None:
            pair = [found.points, found.target]
        reading = card.by_node.get(node)
        if pair and reading:
            text = whole if node == found.signal else points
            name = "Overall score" if node == "overall" else reading.name
            rows.append((name, f"{text(pair[0])} to {text(pair[1])}"))
    at = day(found.refreshed_on or found.suggested_on)
    note = f"If the signal reaches {whole(found.target)} and nothing else changes, as of {at}."
    return {"effect_title": "Expected effect", "effects": rows, "effect_note": note}


def brought(found: "Recommendation") -> list[tuple[str, str]]:
    """What was promised when work began, and what came of it."""
    if found.promised is None and found.brought is None:
        return []
    came = (
        NOTHING if found.brought is None else f"{change(found.brought)} points, as of {day(found.brought_on)}"
    )
    promised = NOTHING if found.promised is None else f"{change(found.promised)} points"
    return [("Promised when work began", promised), ("Brought so far", came)]


def line(each: "RecommendationChange") -> Line:
    """One line of the log; the time of whoever reads."""
    who = (
        "The night" if each.hat == lifecycle.NIGHT else str(each.by) if each.by_id else "Someone who has left"
    )
    return Line(day(timezone.localtime(each.at).date()).rsplit(" ", 1)[0], f"{who} {did(each)}", each.note)


def did(each: "RecommendationChange") -> str:
    """What was done, as the rest of a sentence."""
    match each.what:
        case Change.MOVED:
            return f"set the status to {Status(each.after).label}"
        case Change.NOTED:
            return "wrote"
        case Change.SUGGESTED:
            return "suggested it after scoring"
        case Change.ADDED:
            return "added it"
        case Change.OWNER:
            return f"gave it to {each.after}" if each.after else f"took it from {each.before}"
        case Change.DUE:
            return (
                f"set the due date to {day(date.fromisoformat(each.after))}"
                if each.after
                else "took the due date away"
            )
        case Change.TAGGED:
            return f"tagged it {each.after}" if each.after else "took its tags away"
        case Change.VERIFIED:
            return "verified it by its data"
        case Change.REWORDED:
            return "reworded it"
    text = each.after or Change(each.what).label.lower()
    return f"changed it: {text}"


def problems(field_name: str, value: object, why: str) -> tuple[str, ...]:
    """What is said of a value that cannot be kept."""
    given = f" (“{str(value)[:60]}”)" if value not in ("", None) and str(value) not in why else ""
    return (f"Not saved. {why}{given}",)


def texts(changes: "Sequence[RecommendationChange]") -> tuple[str, ...]:
    """What changed meanwhile, oldest first."""
    return tuple(
        f"{each.text}{f': “{each.note}”' if each.note else ''}, {each.when}."
        for each in map(line, reversed(changes))
    )
