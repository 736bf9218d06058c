"""What people set on recommendations: status, one or several at once, star, notes, owner, date and tags.

Each answers a plain form with the page it came from, and htmx with the parts that changed.
"""

from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.access import Capability, open_organization
from portal.pages.actions.asked import asked
from portal.pages.actions.detail import NOTHING_SENT, Sent, answer, detailed, is_part, one, problems, texts
from portal.pages.actions.page import here_of, scored, tabs
from portal.pages.actions.rows import Hand, hand, row
from portal.pages.asking import Asking
from portal.templatetags.scores import plural
from recommendations import finding, lifecycle
from recommendations.lifecycle import EditedMeanwhile, FieldRefused, MoveRefused, Status

if TYPE_CHECKING:
    from accounts.models import Organization, User
    from recommendations.models import Recommendation


def opened(request: Asking, slug: str) -> "Organization":
    """The organization, for whoever sees its recommendations and may mark them."""
    open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    return open_organization(request.user, slug, to=Capability.MARK_RECOMMENDATIONS)


def edition(request: Asking) -> int | None:
    """The edition that the form shows; None where it says none."""
    text = request.POST.get("edition", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def back(request: Asking, otherwise: str) -> str:
    """Where the form was, if that is one of our pages."""
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else otherwise


@require_POST
def move(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    """A new status for one."""
    organization = opened(request, slug)
    found, able = one(request, organization, public_id)
    to = request.POST.get("status", "")
    sent = Sent(status=to, reason=request.POST.get("reason", ""), note=request.POST.get("note", ""))
    before = found.status
    try:
        lifecycle.move(
            found,
            to,
            by=request.user,
            hat=able.marks,
            note=sent.note,
            reason=sent.reason,
            edition=edition(request),
        )
    except (MoveRefused, EditedMeanwhile, FieldRefused) as error:
        return refused(request, organization, public_id, error, sent)
    said = f"{found.title}: {Status(found.status).label}."
    if found.status == before:
        said = f"{found.title} was {Status(found.status).label} already."
    if not is_part(request):
        messages.success(request, said)
        return redirect(back(request, reverse("action", args=[slug, public_id])))
    return parts(request, organization, public_id, said)


def refused(
    request: Asking,
    organization: "Organization",
    public_id: UUID,
    error: MoveRefused | EditedMeanwhile | FieldRefused,
    sent: Sent = NOTHING_SENT,
) -> HttpResponse:
    """The recommendation as it is now, what stands between, and everything that was typed."""
    found, able = one(request, organization, public_id)
    told = sent.__dict__
    if isinstance(error, EditedMeanwhile):
        sent = Sent(**told | {"conflict": texts(error.changes)})
        return answer(request, organization, found, able, sent, HTTPStatus.CONFLICT)
    if isinstance(error, MoveRefused):
        sent = Sent(**told | {"status": "", "problems": (f"Not saved. {error}",), "field": "status"})
        return answer(request, organization, found, able, sent, HTTPStatus.CONFLICT)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if error.field == "status":
        sent = Sent(**told | {"status": ""})
    said = problems(error.field, error.value, error.why)
    sent = Sent(**sent.__dict__ | {"problems": said, "field": error.field})
    return answer(request, organization, found, able, sent, status)


def parts(request: Asking, organization: "Organization", public_id: UUID, said: str) -> HttpResponse:
    """What htmx puts in place: the row or the detail, the counts, and the sentence for the live region."""
    page = changed(request, organization, public_id, said)
    if request.POST.get("place") == "detail" and "card" in page:
        page["detail"] = detailed(
            request, organization, page["found"], page["hand"], page["card"], NOTHING_SENT
        )
    return render(request, "recommendations/moved.html", page)


def changed(request: Asking, organization: "Organization", public_id: UUID, said: str) -> dict[str, Any]:
    """What every answer to htmx holds: the row as it is now, the counts of the lists, what is said."""
    card = scored(organization)
    found, able = one(request, organization, public_id)
    if card is None:
        raise Http404("There is no score to recommend anything from.")
    everything = finding.of(organization, request.user, sees_hidden=bool(able.tailors))
    came_from = back(request, reverse("actions", args=[organization.slug]))
    wish = asked(QueryDict(urlsplit(came_from).query).dict(), card.scorecard, [], here_of(organization))
    counts = finding.counted(everything)
    return {
        "card": card,
        "found": found,
        "hand": able,
        "row": row(found, card.scorecard, able, slug=organization.slug, kept=wish.kept),
        "tabs": tabs(wish, counts),
        "open_ones": counts.open_ones,
        "said": said,
        "back": came_from,
        "place": request.POST.get("place", "list"),
        "is_listed": bool(request.POST.get("listed")),
    }


@require_POST
def favorite(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    """The person's own star, on or off; for whoever may see the recommendation."""
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    found, _ = one(request, organization, public_id)
    is_on = request.POST.get("on") == "1"
    lifecycle.favorite(found, is_on, by=request.user)
    said = f"{found.title}: {'a favorite of yours' if is_on else 'no favorite any more'}."
    if not is_part(request):
        messages.success(request, said)
        return redirect(back(request, reverse("action", args=[slug, public_id])))
    page = changed(request, organization, public_id, said)
    return render(request, "recommendations/starred.html", page)


@require_POST
def note(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    found, able = one(request, organization, public_id)
    text = request.POST.get("note", "")
    try:
        lifecycle.note(found, text, by=request.user, hat=able.marks)
    except FieldRefused as error:
        return refused(request, organization, public_id, error, Sent(own=text))
    messages.success(request, "Your note is kept.")
    return redirect(f"{reverse('action', args=[slug, public_id])}#log")


@require_POST
def arrange(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    """Owner, due date and tags, together: all are kept, or none."""
    organization = opened(request, slug)
    found, able = one(request, organization, public_id)
    owner, due, tags = (request.POST.get(name, "").strip() for name in ("owner", "due_on", "tags"))
    sent = Sent(owner=owner or "0", due=due, tags=tags)
    try:
        with transaction.atomic():
            arranged(found, able, owner, due, tags, by=request.user, seen=edition(request))
    except (EditedMeanwhile, FieldRefused) as error:
        return refused(request, organization, public_id, error, sent)
    messages.success(request, f"{found.title}: saved.")
    return redirect("action", slug, public_id)


def arranged(
    found: "Recommendation", able: Hand, owner: str, due: str, tags: str, *, by: "User", seen: int | None
) -> None:
    """Nothing; raise what lifecycle raises. The first that changes something checks the edition for all."""
    if owner and not (owner.isascii() and owner.isdecimal() and len(owner) < 19):
        raise FieldRefused("owner", owner, "Choose someone who has access to this organization now.")
    now = found.edition
    lifecycle.give_owner(found, int(owner) if owner else None, by=by, hat=able.marks, edition=seen)
    seen = seen if found.edition == now else found.edition
    now = found.edition
    lifecycle.set_due(found, due_day(due), by=by, hat=able.marks, edition=seen)
    seen = seen if found.edition == now else found.edition
    lifecycle.set_tags(found, tags.split(","), by=by, hat=able.marks, edition=seen)


def due_day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldRefused("due_on", text, f"“{text[:40]}” is not a day; write it as 2026-11-20.") from None


@require_POST
def together(request: Asking, slug: str) -> HttpResponse:
    """One status for all that are ticked; what cannot be moved is named, and why."""
    organization = opened(request, slug)
    able = hand(request.user, organization)
    hub = back(request, reverse("actions", args=[slug]))
    given = request.POST.getlist("ids")
    ids = [each for each in map(uuid_of, given) if each]
    if not ids:
        messages.info(request, "Nothing was ticked, so nothing was set.")
        return redirect(hub)
    try:
        done = lifecycle.bulk_move(
            organization,
            seen_ids(request, organization, able, ids),
            request.POST.get("status", ""),
            by=request.user,
            hat=able.marks,
            reason=request.POST.get("reason", ""),
        )
    except FieldRefused as error:
        messages.error(request, f"Nothing was set. {error.why}")
        return redirect(hub)
    for title, why in done.refused:
        messages.error(request, f"Not set: {title}. {why}")
    if done.done:
        word = done.done[0].get_status_display()
        messages.success(request, f"{plural(len(done.done), 'action')} set to {word}.")
    return redirect(hub)


def seen_ids(request: Asking, organization: "Organization", able: Hand, ids: list[UUID]) -> list[UUID]:
    """Those of the ids that this person may see at all, and those those of nobody: the story names these."""
    hidden = organization.recommendations.filter(public_id__in=ids).exclude(hidden_at=None)
    unseen = set() if able.tailors else set(hidden.values_list("public_id", flat=True))
    return [each for each in ids if each not in unseen]


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
