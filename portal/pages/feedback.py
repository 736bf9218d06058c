"""What is wrong with a score: customers say it beside the score, we answer, and both read all of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts import feedback, installation
from accounts.access import Capability, is_open, open_organization
from accounts.feedback import KINDS, AnsweredAlready, NotSaid, TooMuch
from portal.pages.asking import Asking
from portal.pages.gaps import why_href
from portal.pages.shell import shell
from portal.pages.strict import Strict
from portal.templatetags.scores import plural
from scoring import read
from scoring.read import CardReading, Reading

if TYPE_CHECKING:
    from accounts.models import Feedback

LONGEST = 2000
SAY_IT = "Say it in a few words."
TOO_LONG = "At most %(limit_value)d characters, not %(show_value)d."


class Said(Strict):
    """What is wrong, about which part of which day's score."""

    node = forms.CharField(max_length=160, widget=forms.HiddenInput)
    day = forms.DateField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        choices=KINDS, error_messages={"required": "Choose one.", "invalid_choice": "Choose one of the list."}
    )
    text = forms.CharField(max_length=LONGEST, error_messages={"required": SAY_IT, "max_length": TOO_LONG})


class Answer(Strict):
    """What we answer."""

    text = forms.CharField(max_length=LONGEST, error_messages={"required": SAY_IT, "max_length": TOO_LONG})


@dataclass(frozen=True)
class Line:
    """One thing that was said, and its answer, as ready text."""

    said: "Feedback"
    href: str  # where the part of the score is; empty when the scorecard has it no more
    took: str


@require_http_methods(["GET", "HEAD", "POST"])
def say(request: Asking, slug: str) -> HttpResponse:
    """All that was said, and a form to say something; a POST says it."""
    to = Capability.GIVE_FEEDBACK if request.method == "POST" else Capability.SEE_SCORE
    organization = open_organization(request.user, slug, to=to)
    card = read.latest(organization)
    asked = request.POST if request.method == "POST" else request.GET
    node = about(card, asked.get("node") or "overall")
    form = Said(request.POST if request.method == "POST" else None)
    if card and node and form.is_valid():
        given = form.cleaned_data
        try:
            feedback.say(
                organization,
                by=request.user,
                node=node.node,
                called=node.name,
                day=min(given["day"], card.day),
                kind=given["kind"],
                text=given["text"],
                link=installation.link(reverse("feedback", args=[slug])),
            )
        except TooMuch:
            form.add_error(None, "That is enough for one day. What you said is with us; go on tomorrow.")
        else:
            messages.success(request, "It is with us. The answer stands here and comes to you by mail.")
            return redirect("feedback", slug)
    lines = [line(card, each) for each in feedback.of(organization)]
    context = {
        "shell": shell(request, organization, card, request.path),
        "organization": organization,
        "card": card,
        "node": node,
        "node_href": href(card, node) if card and node else "",
        "form": form,
        "kinds": KINDS,
        "lines": lines,
        "waiting": sum(each.took == "" for each in lines),
        "usual": took(feedback.usual_wait(each.said for each in lines)),
        "may_say": is_open(request.user, organization.opened, Capability.GIVE_FEEDBACK),
        "may_answer": is_open(request.user, organization.opened, Capability.ANSWER_FEEDBACK),
        "longest": LONGEST,
    }
    return render(request, "portal/feedback.html", context, status=422 if form.errors else 200)


@require_POST
def answer(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.ANSWER_FEEDBACK)
    form = Answer(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("feedback", slug)
    try:
        feedback.answer(
            organization,
            public_id,
            by=request.user,
            text=form.cleaned_data["text"],
            link=installation.link(reverse("feedback", args=[slug])),
        )
    except NotSaid as refused:
        raise Http404("No such feedback.") from refused
    except AnsweredAlready:
        messages.info(request, "It is answered already. Nothing was changed.")
    else:
        messages.success(request, "Answered. They read it here and get it by mail.")
    return redirect("feedback", slug)


def about(card: CardReading | None, node: str) -> Reading | None:
    """The part of the score that is meant; there must be one of this name where there is a score."""
    if card is None:
        return None
    if node not in card.by_node:
        raise Http404("No such part of the score.")
    return card.by_node[node]


def href(card: CardReading, node: Reading) -> str:
    """Where a part of the score is shown."""
    if node.signal:
        return why_href(card, node)
    if node.level == "overall":
        return reverse("dashboard", args=[card.organization.slug])
    name = "subcategory" if "/" in node.node else "category"
    return reverse(name, args=[card.organization.slug, *node.node.split("/")])


def say_href(card: CardReading, node: Reading) -> str:
    """Where to say what is wrong with a part of the score."""
    return f"{reverse('feedback', args=[card.organization.slug])}?{urlencode({'node': node.node})}"


def line(card: CardReading | None, said: "Feedback") -> Line:
    node = card.by_node.get(said.node) if card else None
    answered = said.answered_at - said.said_at if said.answered_at else None
    return Line(said, href(card, node) if card and node else "", took(answered))


def took(wait: timedelta | None) -> str:
    """2 days; hours below one day."""
    if wait is None:
        return ""
    if wait.days:
        return plural(wait.days, "day")
    hours = wait.seconds // 3600
    return plural(hours, "hour") if hours else "less than an hour"
