"""Recommendations as JSON: listed, filtered and moved, through the same door as the pages.

A move is told by where it leads, so saying it again changes nothing and is answered like the first time.
Errors have the form of every endpoint (scoring.api): RFC 9457, with field and value where there is one.
"""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.core.paginator import EmptyPage, Paginator
from django.db import transaction
from django.http import Http404
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Capability, able_to, hat_of, is_open, open_organization
from recommendations import finding, lifecycle, reasons
from recommendations.lifecycle import EditedMeanwhile, FieldRefused, MoveRefused, NotTheirs
from scoring import read
from scoring.api import LONGEST, PROBLEM, NotAsked, problem, refuse_unknown

if TYPE_CHECKING:
    from accounts.models import Organization, User
    from recommendations.models import Recommendation
    from scoring.engine import Scorecard

FILTERS = (
    *("status", "category", "subcategory", "signal", "product", "horizon", "quick", "owner", "tag", "q"),
    "sort",
)
A_PAGE, MOST = 50, 200
TAKEN = {"status", "note", "reason", "edition"}
CHANGED = {"owner", "due_on", "tags", "favorite", "edition"}


class Unusable(Exception):
    """A body that cannot be used; names the field, and the value that was sent."""

    def __init__(self, field: str, value: object, why: str) -> None:
        super().__init__(why)
        self.field = field
        self.value = value


@api_view(["GET"])
def recommendations(request: Request, slug: str) -> Response:
    """What is recommended to the organization, filtered and in order, a page at a time."""
    organization, user = opened(request, slug, Capability.SEE_RECOMMENDATIONS)
    refuse_unknown(request, *FILTERS, "page", "per_page")
    card = read.latest(organization)
    if card is None:
        return Response({"count": 0, "page": 1, "pages": 1, "results": []})
    texts = {name: str(text) for name, text in request.query_params.items() if name in FILTERS}
    owners = [each.pk for each in lifecycle.owners(organization)]
    wanted, unknown = finding.read(texts, card.scorecard, owners)
    size, number = whole(request, "per_page", A_PAGE, MOST), whole(request, "page", 1, 1_000_000)
    if unknown:
        raise NotAsked({name: [text] for name, text in unknown.items()})
    found = finding.narrowed(visible(organization, user), wanted)
    pages = Paginator(found.select_related("owner", "status_by", "playbook").defer("playbook__text"), size)
    try:
        page = pages.page(number)
    except EmptyPage:
        raise NotAsked({"page": [str(number)]}) from None
    results = [as_json(each, card.scorecard) for each in page]
    return Response({"count": pages.count, "page": number, "pages": pages.num_pages, "results": results})


@api_view(["GET", "PATCH"])
def recommendation(request: Request, slug: str, public_id: UUID) -> Response:
    """One of them; PATCH sets its owner, due date and tags, or the reader's own star."""
    organization, user = opened(request, slug, Capability.SEE_RECOMMENDATIONS)
    refuse_unknown(request)
    if request.method == "PATCH":
        try:
            change(request, organization, user, public_id)
        except (Unusable, FieldRefused, EditedMeanwhile) as error:
            return refusal(error)
    return answer(organization, user, public_id)


@api_view(["POST"])
def move(request: Request, slug: str, public_id: UUID) -> Response:
    """A new status: {status, note, reason, edition}. Where it is already, nothing changes."""
    organization, user = opened(request, slug, Capability.SEE_RECOMMENDATIONS)
    opened(request, slug, Capability.MARK_RECOMMENDATIONS)
    refuse_unknown(request)
    found = one(organization, user, public_id)
    try:
        body = taken(request, TAKEN)
        lifecycle.move(
            found,
            text(body, "status", required=True),
            by=user,
            hat=hat(organization),
            note=text(body, "note"),
            reason=text(body, "reason"),
            edition=edition(body),
        )
    except (Unusable, FieldRefused, MoveRefused, EditedMeanwhile) as error:
        return refusal(error)
    return answer(organization, user, public_id)


# ---------- the way in ----------


def opened(request: Request, slug: str, to: Capability) -> "tuple[Organization, User]":
    user = cast("User", request.user)
    return open_organization(user, slug, to=to), user


def hat(organization: "Organization") -> str:
    """The role under which this person marks recommendations here."""
    return hat_of(able_to(Capability.MARK_RECOMMENDATIONS, organization.opened.own_roles))


def visible(organization: "Organization", user: "User") -> finding.Found:
    """What this person may see: what is hidden only by who tailors."""
    tailors = is_open(user, organization.opened, Capability.TAILOR_RECOMMENDATIONS)
    return finding.of(organization, user, sees_hidden=tailors)


def one(organization: "Organization", user: "User", public_id: UUID) -> "Recommendation":
    mine = visible(organization, user).select_related("owner", "status_by", "playbook")
    found = mine.defer("playbook__text").filter(public_id=public_id).first()
    if found is None:
        raise Http404("No such recommendation.")
    return found


def change(request: Request, organization: "Organization", user: "User", public_id: UUID) -> None:
    """Everything that was sent is kept, or nothing of it."""
    body = taken(request, CHANGED)
    if set(body) - {"favorite", "edition"}:
        open_organization(user, organization.slug, to=Capability.MARK_RECOMMENDATIONS)
    found = one(organization, user, public_id)
    seen = edition(body)
    by: dict[str, Any] = {"by": user, "hat": hat(organization)}
    with transaction.atomic():
        if "owner" in body:
            before = found.edition
            lifecycle.give_owner(found, number(body, "owner"), edition=seen, **by)
            seen = seen if found.edition == before else found.edition
        if "due_on" in body:
            before = found.edition
            lifecycle.set_due(found, day(body, "due_on"), edition=seen, **by)
            seen = seen if found.edition == before else found.edition
        if "tags" in body:
            tags = body["tags"]
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise Unusable("tags", tags, "tags must be a list of texts.")
            lifecycle.set_tags(found, tags, edition=seen, **by)
        if "favorite" in body:
            if not isinstance(body["favorite"], bool):
                raise Unusable("favorite", body["favorite"], "favorite must be true or false.")
            lifecycle.favorite(found, body["favorite"], by=user)


def taken(request: Request, known: set[str]) -> Mapping[str, Any]:
    """The body as an object with known fields only."""
    body = request.data
    if not isinstance(body, dict):
        raise Unusable("body", body, "The body must be a JSON object.")
    if unknown := sorted(set(body) - known):
        raise Unusable(unknown[0], body[unknown[0]], f"{unknown[0]} is not known here.")
    return body


def text(body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Unusable(name, value, f"{name} must be a text.")
    if required and not value:
        raise Unusable(name, value, f"{name} is missing.")
    return value


def number(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63):
        return value
    raise Unusable(name, value, f"{name} must be a whole number, or null.")


def edition(body: Mapping[str, Any]) -> int | None:
    return number(body, "edition")


def day(body: Mapping[str, Any], name: str) -> date | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unusable(name, value, f"{name} must be a day as 2026-11-20, or null.") from None


def whole(request: Request, name: str, usual: int, most: int) -> int:
    """A number of the address."""
    given = request.query_params.get(name, str(usual))
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= most):
        raise NotAsked({name: [given]})
    return int(given)


# ---------- the way out ----------


def answer(organization: "Organization", user: "User", public_id: UUID) -> Response:
    """The recommendation as it is now, with everything about it."""
    found = one(organization, user, public_id)
    card = read.latest(organization)
    document = as_json(found, card.scorecard if card else None)
    return Response(document | {"next_statuses": [str(each) for each in lifecycle.next_steps(found)]})


def as_json(each: "Recommendation", scorecard: "Scorecard | None") -> dict[str, Any]:
    """One recommendation with the words of the glossary; points in hundredths become texts, as in a score."""
    signals = scorecard.signals if scorecard else ()
    name = next((signal.name for signal in signals if signal.key == each.signal), each.signal)
    return {
        "id": str(each.public_id),
        "title": each.title,
        "reasons": reasons.sentences(each.why, name),
        "text": each.own_text,
        "status": each.status,
        "status_at": each.status_at.isoformat(),
        "status_by": str(each.status_by) if each.status_by_id else None,
        "archived_reason": each.archived_reason,
        "edition": each.edition,
        "scorecard": each.scorecard,
        "category": each.category,
        "signal": each.signal,
        "product": each.product or None,
        "points": read.points_text(each.points),
        "target": read.points_text(each.target),
        "gain": signed(each.gain),
        "effects": {
            node: [read.points_text(value) for value in pair] for node, pair in sorted(each.effects.items())
        },
        "not_estimated": each.not_estimated,
        "effort_days": f"{each.effort_days.normalize():f}",
        "horizon": each.horizon,
        "costs_money": finding.costs_money(each),
        "model_rank": each.model_rank,
        "position": each.position,
        "pinned": each.pinned_at is not None,
        "hidden": each.hidden_at is not None,
        "owner": each.owner_id,
        "due_on": each.due_on and each.due_on.isoformat(),
        "tags": each.tags,
        "favorite": bool(getattr(each, "is_favorite", False)),
        "suggested_on": each.suggested_on.isoformat(),
        "completed_on": each.completed_on and each.completed_on.isoformat(),
        "promised": signed(each.promised),
        "brought": signed(each.brought),
        "verified_on": each.verified_on and each.verified_on.isoformat(),
    }


def signed(hundredths: int | None) -> str | None:
    """A gain as points, which may be less than nothing: -0.40."""
    return None if hundredths is None else f"{hundredths / 100:.2f}"


STATUSES: dict[type[Exception], HTTPStatus] = {
    NotTheirs: HTTPStatus.FORBIDDEN,
    MoveRefused: HTTPStatus.CONFLICT,
    EditedMeanwhile: HTTPStatus.CONFLICT,
}


def refusal(error: Unusable | FieldRefused | MoveRefused | EditedMeanwhile) -> Response:
    """What cannot be, with the field and the value; after an edit, with what changed meanwhile."""
    status = STATUSES.get(type(error), HTTPStatus.UNPROCESSABLE_ENTITY)
    document = problem(status, status.phrase, str(error))
    if isinstance(error, MoveRefused):
        document["errors"] = [{"field": "status", "value": str(error.to), "message": str(error)}]
    elif isinstance(error, EditedMeanwhile):
        document["detail"] = "Somebody has changed this meanwhile. Nothing of yours was saved."
        document["changes"] = [lifecycle.words(each) for each in error.changes]
    else:
        document["errors"] = [
            {"field": error.field, "value": str(error.value)[:LONGEST], "message": str(error)}
        ]
    return Response(document, status=status, content_type=PROBLEM)
