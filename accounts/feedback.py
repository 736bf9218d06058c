"""What is wrong with a score: a customer says it, whoever looks after them answers, in so much time."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from statistics import median
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Count
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import audit, installation
from accounts.access import Capability, able_to, hat_of, roles_in
from accounts.contacts import ours
from accounts.models import Action, Feedback, FeedbackKind, Organization, User

KINDS = FeedbackKind.choices
A_DAY = 10  # a person says about one organization: enough for every signal that matters, not for a flood


class TooMuch(Exception):
    """The person has said as much as one may in a day."""


class AnsweredAlready(Exception):
    """Somebody has answered it."""


class NotSaid(LookupError):
    """There is no such feedback in this organization."""


@transaction.atomic
def say(
    organization: Organization,
    *,
    by: User,
    node: str,
    called: str,
    day: date,
    kind: str,
    text: str,
    link: str,
    at: datetime | None = None,
) -> Feedback:
    """The feedback as it is kept, mailed to whoever looks after the organization.

    node    of the scorecard, and what it is called there; day: of the score they looked at
    link    where it is read and answered
    raises  TooMuch for the eleventh within a day
    """
    now = at or timezone.now()
    Organization.objects.select_for_update().get(pk=organization.pk)  # two clicks at once are counted as two
    lately = organization.feedback.filter(said_by=by, said_at__gt=now - timedelta(days=1))
    if lately.count() >= A_DAY:
        raise TooMuch(f"{by} has said {A_DAY} things about {organization} within a day.")
    said = Feedback.objects.create(
        organization=organization,
        node=node,
        called=called,
        day=day,
        kind=FeedbackKind(kind),
        text=text,
        said_by=by,
        said_at=now,
    )
    audit.record(
        Action.FEEDBACK_GIVEN,
        by=by,
        hat=hat_of(able_to(Capability.GIVE_FEEDBACK, roles_in(by, organization, at=now))),
        organization=organization,
        target=said,
        after={"about": node, "kind": str(said.kind)},  # what was said stands in the feedback, not in the log
    )
    named = ours(organization, at=now)
    to = [member.user.email for member in named]
    if not any(member.is_assigned for member in named):  # then nobody named can open the page that answers it
        to.append(installation.current().support_email)
    # Robust: it stands, and its page shows it to us, even if the mail server is down.
    transaction.on_commit(lambda: _tell("feedback_given", said, link, to), robust=True)
    return said


@transaction.atomic
def answer(
    organization: Organization,
    public_id: UUID,
    *,
    by: User,
    text: str,
    link: str,
    at: datetime | None = None,
) -> Feedback:
    """The feedback with its answer, mailed to whoever said it.

    raises  NotSaid, AnsweredAlready
    """
    said = organization.feedback.select_for_update(of=("self",)).filter(public_id=public_id).first()
    if said is None:
        raise NotSaid(f"{organization} has no feedback {public_id}.")
    if said.answered_at:
        raise AnsweredAlready(f"{said} was answered on {said.answered_at:%Y-%m-%d}.")
    now = at or timezone.now()
    said.answer, said.answered_by, said.answered_at = text, by, now
    said.save(update_fields=["answer", "answered_by", "answered_at"])
    audit.record(
        Action.FEEDBACK_ANSWERED,
        by=by,
        hat=hat_of(able_to(Capability.ANSWER_FEEDBACK, roles_in(by, organization, at=now))),
        organization=organization,
        target=said,
        after={"about": said.node, "said": f"{said.said_at:%Y-%m-%d}"},
    )
    if said.said_by and said.said_by.is_active:
        to = [said.said_by.email]
        transaction.on_commit(lambda: _tell("feedback_answered", said, link, to), robust=True)
    return said


def of(organization: Organization) -> list[Feedback]:
    """All that was said about the organization's score, what waits for an answer first, then the newest."""
    rows = organization.feedback.select_related("said_by", "answered_by")
    return sorted(rows, key=lambda said: said.answered_at is not None)


def waiting(organizations: Iterable[int]) -> dict[int, int]:
    """How many wait for an answer, by organization id; those without any are left out."""
    rows = Feedback.objects.filter(organization__in=list(organizations), answered_at=None).order_by()
    return dict(rows.values_list("organization_id").annotate(Count("pk")))


def usual_wait(feedback: Iterable[Feedback]) -> timedelta | None:
    """How long answers usually took, the median; None before the first."""
    took = [(said.answered_at - said.said_at).total_seconds() for said in feedback if said.answered_at]
    return timedelta(seconds=median(took)) if took else None


def _tell(letter: str, said: Feedback, link: str, to: list[str]) -> None:
    context = {
        "said": said,
        "organization": said.organization,
        "link": link,
        "product": settings.PRODUCT_NAME,
        "vendor": installation.current().vendor_name,
    }
    subject = " ".join(render_to_string(f"email/{letter}_subject.txt", context).split())
    message = render_to_string(f"email/{letter}_message.txt", context)
    for address in to:  # one letter each: nobody learns the others' addresses
        send_mail(subject, message, None, [address])
