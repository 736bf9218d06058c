"""The order of the night, as a list you can read aloud.

Each step takes a day, may run twice, and says whether it is finished. Nobody else conducts: the clock, the
command and the sweeper all come here.
"""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts import audit, retention, seals
from accounts.models import Action, User
from portal.reports import jobs
from recommendations import playbook, roadmaps, suggest, training
from scoring import pack, publish, recomputed, releases, run
from scoring.models import NightStep, Pointer, ScorecardVersion, ScoringRun, StepState

log = logging.getLogger(__name__)

CATCH_UP = 14  # missing nights that are made up for, in order
TRIES = 3  # of one step of one night, before it is left to a person
WAIT = 0.5  # seconds between looks at a chunk that somebody else holds
Tell = Callable[[str], None]
Ring = Callable[[int], None]  # asks so many more workers to come: a doorbell, which may stay unanswered


class NightFailed(Exception):
    """A night that could not be published; says which run and why."""


def silent(_: str) -> None:
    """Nobody listens."""


def alone(_: int) -> None:
    """Nobody else comes: this process does the whole night."""


@dataclass(frozen=True)
class Hands:
    """Whom a night talks to while it works."""

    tell: Tell = silent
    ring: Ring = alone


def run_night(
    day: date,
    *,
    scorecard: str | None = None,
    tell: Tell = silent,
    ring: Ring = alone,
    leave_out: Collection[str] = (),
) -> None:
    """The whole night of one day; every step looks for itself what is missing, so calling again is cheap.

    leave_out  steps by name that somebody does later, as the demo does
    raises     NightFailed when a run could not be published
    """
    hands = Hands(tell, ring)
    for name, step in STEPS:
        if name in leave_out:
            continue
        _begin(day, name, scorecard)
        try:
            step(day, scorecard, hands)
        except Exception as error:
            _end(day, name, scorecard, StepState.FAILED, str(error))
            raise
        _end(day, name, scorecard, StepState.DONE)


def give_up(day: date, scorecard: str | None, hands: Hands) -> None:
    """Runs of earlier nights that could not be published are let go, or packing would wait forever."""
    for open_one in run.unfinished().filter(day__lt=day):
        if run.is_blocked(open_one):
            run.abandon(open_one, f"Too many organizations failed; given up by the night of {day}.")
            hands.tell(f"Gave up {open_one}.")


def compare_versions(day: date, scorecard: str | None, hands: Hands) -> None:
    """On a new version's first night, the last night of the older one is scored under both.

    Before packing, so that both read the same numbers. It is for explaining only: no night waits for it.
    """
    for key in [scorecard] if scorecard else publish.scorecard_keys():
        version = publish.in_force(key, day)
        before = run.last_of_another(version, day) if version else None
        if version is None or before is None:
            continue
        reason = f"The night before version {version.number}, to tell what the version changed"
        pair = run.open_run(version, before, reason=reason, beside=True)
        _compare(pair, "what the version changed will not be told", hands)


def pack_arrived(day: date, scorecard: str | None, hands: Hands) -> None:
    """Committed batches become months."""
    packed = pack.pack_due()
    if packed:
        hands.tell(f"Packed {packed} batch{'es' if packed != 1 else ''}.")


def score_everyone(day: date, scorecard: str | None, hands: Hands) -> None:
    """Every scorecard in force on the day gets its run, scored and published."""
    for key in [scorecard] if scorecard else publish.scorecard_keys():
        version = publish.in_force(key, day)
        if version is None:
            if scorecard:
                raise NightFailed(f'No version of scorecard "{key}" is in force on {day}.')
            continue
        _finish(run.open_run(version, day), hands)


def close_months(day: date, scorecard: str | None, hands: Hands) -> None:
    """Closes are made again once the month's feeds are in, and when late data came."""
    for key in [scorecard] if scorecard else publish.scorecard_keys():

        def version_on(close: date, key: str = key) -> ScorecardVersion | None:
            return publish.in_force(key, close)

        for version, close, revision, reason in list(run.due_closes(version_on, day)):
            _finish(run.open_run(version, close, revision=revision, reason=reason), hands)


def release_peers(day: date, scorecard: str | None, hands: Hands) -> None:
    """Closes that are made again by now give the peer figures of their month, once."""
    for key in [scorecard] if scorecard else publish.scorecard_keys():
        for pointer in releases.due(key, day):
            groups = releases.release(pointer)
            hands.tell(f"Released the peer figures of {pointer}: {groups} group{'s' if groups != 1 else ''}.")


def recompute_history(day: date, scorecard: str | None, hands: Hands) -> None:
    """Earlier closes are scored under the version in force, newest first and a few a night, to compare with.

    After all that people wait for. A close that was restated is recomputed, too: both read the same data.
    """
    for key in [scorecard] if scorecard else publish.scorecard_keys():
        version = publish.in_force(key, day)
        if version is None:
            continue
        for close, revision in recomputed.due(version, day)[: recomputed.A_NIGHT]:
            reason = "An earlier close under the version in force, to compare over time"
            again = run.open_run(version, close, revision=revision, reason=reason, beside=True)
            _compare(again, "the trends show it as it was scored only", hands)


def train_ranker(day: date, scorecard: str | None, hands: Hands) -> None:
    """Once a month, when a close is made again: what completed actions brought is learned from."""
    if scorecard not in (None, playbook.SCORECARD):
        return
    if made := training.retrain_due(day):
        hands.tell(f"Trained {made}.")


def suggest_actions(day: date, scorecard: str | None, hands: Hands) -> None:
    """Plays that fire are suggested, and what was called complete is held against the data."""
    for key in [scorecard] if scorecard else publish.scorecard_keys():
        done = suggest.refresh(day, key)
        if done.is_something:
            hands.tell(f"Recommendations of {key}: {done}.")


def look_at_plans(day: date, scorecard: str | None, hands: Hands) -> None:
    """Where saved plans of actions lead by now, and what is another since they were saved."""
    if looked := roadmaps.replan(day):
        hands.tell(f"Looked at {looked} saved plan{'s' if looked != 1 else ''}.")


def seal_audit(day: date, scorecard: str | None, hands: Hands) -> None:
    """What the audit log holds by now is sealed."""
    for new in seals.seal():
        hands.tell(f"Sealed {new.count} entries of the audit log.")


def retire_audit(day: date, scorecard: str | None, hands: Hands) -> None:
    """What of the audit log is older than AUDIT_DAYS is removed, whole segments at a time."""
    try:
        gone = retention.retire()
    except retention.Kept as kept:
        log.error("%s", kept)  # the night is not to wait for it
        hands.tell(str(kept))
        return
    if gone:
        hands.tell(f"Removed {gone.entries} entries of the audit log, older than {gone.before:%Y-%m-%d}.")


def remove_exports(day: date, scorecard: str | None, hands: Hands) -> None:
    """Files that people asked for are removed after EXPORT_DAYS."""
    if gone := jobs.expire():
        hands.tell(f"Removed {gone} export{'s' if gone != 1 else ''}, older than kept.")


STEPS: list[tuple[str, Callable[[date, str | None, Hands], None]]] = [
    ("give up", give_up),
    ("versions", compare_versions),
    ("pack", pack_arrived),
    ("score", score_everyone),
    ("closes", close_months),
    ("peers", release_peers),
    ("ranker", train_ranker),
    ("recommendations", suggest_actions),
    ("plans", look_at_plans),
    ("history", recompute_history),
    ("exports", remove_exports),
    ("audit seal", seal_audit),
    ("audit retention", retire_audit),
]


def _compare(beside: ScoringRun, lost: str, hands: Hands) -> None:
    """Work on a run that is for comparing only: one that cannot be made is let go, and no night fails."""
    try:
        _finish(beside, hands)
    except NightFailed as why:
        log.exception("%s could not be made", beside)
        run.abandon(beside, f"Too many organizations failed; {lost}.")
        hands.tell(str(why))


def _finish(open_one: ScoringRun, hands: Hands) -> None:
    """Work on a run until it is published, waiting for chunks that other workers hold."""
    if open_one.abandoned_at or (run.is_blocked(open_one) and not run.publish_run(open_one)):
        run.reopen(open_one)  # somebody asks again: what was wrong may be mended
    if (others := open_one.chunks.filter(done_at=None).count() - 1) > 0:
        hands.ring(others)
    while not run.publish_run(open_one):
        run.work(
            open_one,
            progress=lambda done, left: hands.tell(f"{open_one}: {done} organizations, {left} chunks left."),
        )
        open_one.refresh_from_db()
        if open_one.abandoned_at:
            raise NightFailed(f"{open_one} was given up: {open_one.reason}")
        if run.is_blocked(open_one) and not run.publish_run(open_one):
            raise NightFailed(
                f"{open_one}: {run.failed(open_one).count()} organizations failed; not published."
            )
        if open_one.chunks.filter(done_at=None).exists():
            hands.tell(f"{open_one}: waiting for a chunk that another worker holds.")
            time.sleep(WAIT)
    hands.tell(f"Published {open_one}.")


def due_nights(today: date) -> list[date]:
    """The days still to be scored since the first night ever, oldest first; not those left to a person."""
    last = today - timedelta(days=1)
    oldest = last - timedelta(days=CATCH_UP - 1)
    steps = NightStep.objects.all()
    first = steps.order_by("day").values_list("day", flat=True).first() or last
    ended = steps.filter(name=STEPS[-1][0], state=StepState.DONE)
    hopeless = steps.filter(state=StepState.FAILED, tries__gte=TRIES)
    given_up = ScoringRun.objects.filter(revision=0, published_at=None).exclude(abandoned_at=None)
    settled = {day for rows in (ended, hopeless, given_up) for day in rows.values_list("day", flat=True)}
    days = [max(first, oldest) + timedelta(days=n) for n in range(CATCH_UP)]
    return [day for day in days if day <= last and day not in settled]


def catch_up(today: date, *, tell: Tell = silent, ring: Ring = alone) -> list[date]:
    """Run every night that is due, in order; the days that were run.

    raises  what the newest night raised, NightFailed if it could not be published; an older failure does not
            stop the newer ones
    """
    days = due_nights(today)
    for day in days:
        try:
            run_night(day, tell=tell, ring=ring)
        except Exception as why:
            if day == days[-1]:
                raise
            log.exception("The night of %s failed", day)
            tell(f"The night of {day} failed: {why}")
    return days


def say_by_hand(
    day: date | None = None, *, scorecard: str | None = None, by: User | None = None, hat: str = ""
) -> None:
    """Write down that a person, not the clock, starts the night of a day, or every night that is due."""
    after = {"scorecard": scorecard} if scorecard else None
    audit.record(Action.NIGHT_RUN, by=by, hat=hat, target=("night", day or "due"), after=after)


def again(today: date, *, tell: Tell = silent, ring: Ring = alone) -> None:
    """What is due, and nights that could not be published once more: somebody says the cause is mended."""
    for open_one in list(run.unfinished().order_by("day")):
        if run.is_blocked(open_one):
            _finish(open_one, Hands(tell, ring))
    catch_up(today, tell=tell, ring=ring)


def lend_a_hand() -> None:
    """Score chunks of whatever run is open, then go: what a worker does when the doorbell rings."""
    for open_one in run.unfinished():
        run.work(open_one)


def sweep(*, tell: Tell = silent) -> None:
    """Finish whatever a killed worker left: needs no broker, changes nothing when nothing is due."""
    for day in _broken_off():
        run_night(day, tell=tell)
    for open_one in run.unfinished().exclude(pk__in=run.held().values("run")):
        if not run.is_blocked(open_one):
            _finish(open_one, Hands(tell))
    pack.pack_due()


def _broken_off() -> list[date]:
    """Nights that began, neither ended nor failed, and rest for longer than a lease lasts."""
    steps = NightStep.objects.all()
    over = steps.filter(Q(name=STEPS[-1][0], state=StepState.DONE) | Q(state=StepState.FAILED))
    lately = steps.filter(changed_at__gt=Now() - timedelta(seconds=settings.LEASE_SECONDS))
    quiet = steps.exclude(day__in=over.values("day")).exclude(day__in=lately.values("day"))
    at_work = run.held().values("run__day")
    return sorted(set(quiet.exclude(day__in=at_work).values_list("day", flat=True)))


def _begin(day: date, name: str, scorecard: str | None) -> None:
    if scorecard is None:
        NightStep.objects.get_or_create(day=day, name=name)
        NightStep.objects.filter(day=day, name=name).update(
            state=StepState.OPEN, message="", changed_at=Now()
        )


def _end(day: date, name: str, scorecard: str | None, state: StepState, message: str = "") -> None:
    if scorecard is None:
        # Only failures are counted as tries: a worker that was killed says nothing about the step.
        tries = F("tries") + int(state == StepState.FAILED)  # PostgreSQL adds no booleans
        NightStep.objects.filter(day=day, name=name).update(
            state=state, tries=tries, message=message[:2000], changed_at=Now()
        )


# ---------- for whoever runs the house ----------


@dataclass(frozen=True)
class Report:
    """What became of one run."""

    name: str
    state: str  # published, open, not published, given up
    made_at: datetime
    organizations: int
    failures: tuple[str, ...]  # organization: reason
    note: str


@dataclass(frozen=True)
class Night:
    """One night as an operator sees it."""

    day: date
    steps: tuple[NightStep, ...]
    reports: tuple[Report, ...]

    @property
    def is_fine(self) -> bool:
        return all(report.state == "published" for report in self.reports) and all(
            step.state == StepState.DONE for step in self.steps
        )


def nights(*, before: date | None = None, count: int = 20) -> list[Night]:
    """The newest nights, or those before a day, newest first."""
    known = ScoringRun.objects.order_by("-day").values_list("day", flat=True).distinct()
    days = list((known.filter(day__lt=before) if before else known)[:count])
    steps: dict[date, list[NightStep]] = {}
    for step in NightStep.objects.filter(day__in=days).order_by("pk"):
        steps.setdefault(step.day, []).append(step)
    reports: dict[date, list[Report]] = {}
    runs = ScoringRun.objects.filter(day__in=days).select_related("version").prefetch_related("chunks")
    for each in runs.order_by("version__key", "revision"):
        reports.setdefault(each.day, []).append(_report(each))
    return [Night(day, tuple(steps.get(day, ())), tuple(reports.get(day, ()))) for day in days]


def _report(each: ScoringRun) -> Report:
    chunks = list(each.chunks.all())
    waiting = any(chunk.done_at is None for chunk in chunks)
    state = "open" if waiting else "not published"
    if each.published_at:
        state = "published"
    elif each.abandoned_at:
        state = "given up"
    failures = tuple(f"Organization {chunk.first}: {chunk.failure}" for chunk in chunks if chunk.failure)
    done = sum(chunk.organizations for chunk in chunks)
    return Report(str(each), state, each.published_at or each.opened_at, done, failures, each.reason)


def alarm() -> str:
    """One sentence when the newest night is not out and needs a person; empty when all is well."""
    for open_one in run.unfinished().order_by("-day"):
        if run.is_blocked(open_one):
            return (
                f"The night of {open_one.day} was not published: too many organizations could not be scored."
            )
    return ""


def newest_published() -> date | None:
    """The newest day of any scorecard that people can see."""
    return Pointer.objects.order_by("-day").values_list("day", flat=True).first()
