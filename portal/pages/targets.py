"""Where an organization wants its score to be, and what matters less to it. Nothing here moves the score."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import goals
from accounts.access import Capability, open_organization
from accounts.goals import GoalChanged, GoalRefused
from portal.pages.asking import Asking
from portal.pages.gaps import weighed
from portal.pages.goals import OVERALL, index_text, may_set
from portal.pages.shell import shell
from portal.pages.target_forms import EmphasisForm, GoalForm, TargetForm, named
from portal.pages.target_rows import earlier, less, on_way
from portal.pages.words import NOTHING_YET
from scoring import read
from scoring.read import CardReading
from scoring.targets import choices

if TYPE_CHECKING:
    from accounts.models import Organization

SENT = "sent-%s"  # ids of the fields that were sent, apart from those of the forms beside them
CONFLICT = "Not saved. Someone changed this a moment ago; it is shown below as it is now."


@require_safe
def targets(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    return _answer(request, organization, _card(organization))


@require_POST
def set_target(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SET_TARGETS)
    card = _card(organization)
    nodes = choices(card) if card else ()
    form = TargetForm(request.POST, nodes=named(nodes, OVERALL), auto_id=SENT)
    if form.is_valid() and card is not None:
        told = form.cleaned_data
        now = card.by_node[told["node"]].points
        if now is None:
            form.add_error(
                "node", "This has no number now, so its path would have no start. Set it when it has."
            )
        elif _does(
            form,
            lambda: goals.set_target(
                organization,
                card.key,
                told["node"],
                value=told["value"],
                due_on=told["due_on"],
                start=(card.day, now),
                by=request.user,
                seen=told["seen"],
            ),
        ):
            messages.success(request, "The target is set. Its path begins at the score of today.")
            return redirect("targets", slug)
    return _answer(request, organization, card, form)


@require_POST
def matters_less(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SET_TARGETS)
    card = _card(organization)
    form = EmphasisForm(request.POST, nodes=_signals(card) if card else [], auto_id=SENT)
    if form.is_valid() and card is not None:
        told = form.cleaned_data
        if _does(
            form,
            lambda: goals.set_emphasis(
                organization,
                card.key,
                told["node"],
                matters=told["matters"],
                reason=told["reason"],
                by=request.user,
                seen=told["seen"],
            ),
        ):
            messages.success(request, "Saved. Your index follows; the score stays as it is.")
            return redirect("targets", slug)
    return _answer(request, organization, card, form)


@require_POST
def end_target(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SET_TARGETS)
    target = organization.targets.filter(public_id=public_id).first()
    if target is None:
        raise Http404("No such target.")
    try:
        goals.end_target(target, by=request.user)
        messages.success(request, "The target has ended. It stays in the list of earlier ones.")
    except GoalChanged:
        messages.info(request, "This target had ended already.")
    return redirect("targets", slug)


@require_POST
def matters_again(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SET_TARGETS)
    emphasis = organization.emphases.filter(public_id=public_id).first()
    if emphasis is None:
        raise Http404("Nothing of that kind was said.")
    try:
        goals.end_emphasis(emphasis, by=request.user)
        messages.success(request, "The signal has its usual weight in your index again.")
    except GoalChanged:
        messages.info(request, "The signal had its usual weight again already.")
    return redirect("targets", slug)


def _does(form: GoalForm, story: Any) -> bool:
    """Whether the story went through; what stood in its way is said at the field."""
    try:
        story()
    except GoalRefused as refused:
        form.add_error(refused.field, str(refused))
    except GoalChanged:
        form.is_conflict = True
        form.add_error(None, CONFLICT)
    return not form.errors


def _card(organization: "Organization") -> CardReading | None:
    """The newest card, if it says anything yet."""
    card = read.latest(organization)
    return None if card is None or card.overall.state in NOTHING_YET else card


# ---------- the page ----------


def _answer(
    request: Asking, organization: "Organization", card: CardReading | None, sent: GoalForm | None = None
) -> HttpResponse:
    """The page; with what was sent in its place and 422 when it cannot be, 409 when somebody was quicker."""
    page: dict[str, Any] = {
        "shell": shell(request, organization, card, request.path),
        "organization": organization,
        "card": card,
        "may_set": may_set(organization),
    }
    if card is not None:
        page |= _page(organization, card, sent)
    status = 200 if sent is None else 409 if sent.is_conflict else 422
    return render(request, "portal/targets.html", page, status=status)


def _page(organization: "Organization", card: CardReading, sent: GoalForm | None) -> dict[str, Any]:
    stand = goals.whole(organization)
    said = {node: each.matters for node, each in stand.emphases.items()}
    index = index_text(card, said)
    changed, wishes = _forms(sent, TargetForm), _forms(sent, EmphasisForm)
    free = [each for each in named(choices(card), OVERALL) if each[0] not in stand.targets]
    signals = [each for each in _signals(card) if each[0] not in stand.emphases]
    return {
        "on_way": on_way(organization, card, stand, changed),
        "set_form": changed.get("") or TargetForm(nodes=free, auto_id="new-%s"),
        "index": index,
        "columns": ["Path", "Score"],
        "has_errors": bool(sent and sent.errors),
        "less": less(card, stand, index.shares if index else {}, wishes),
        "less_form": (wishes.get("") or EmphasisForm(nodes=signals, auto_id="less-%s")) if signals else None,
        "earlier": earlier(card, stand),
        "problems": list(sent.non_field_errors()) if sent else [],
    }


def _forms(sent: GoalForm | None, kind: type[GoalForm]) -> dict[str, GoalForm]:
    """What was sent, by the node it changes; empty for one more."""
    if not isinstance(sent, kind):
        return {}
    return {sent.data.get("node", "") if sent.data.get("seen") else "": sent}


def _signals(card: CardReading) -> list[tuple[str, str]]:
    """The signals that count in the score."""
    return [(signal.node, signal.name) for signal, _, _ in weighed(card) if signal.weight]
