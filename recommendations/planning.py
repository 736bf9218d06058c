"""Plans of one organization: what could be done, where the score would land, and the least work to a target.

Every number comes from the engine over the organization's own inputs (recommendations.gain); which actions
to take, recommendations.optimizer decides. Nothing is kept here: recommendations.roadmaps saves plans.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from accounts import goals
from accounts.models import Organization, User
from recommendations import gain, playbook
from recommendations.gain import Aim, Estimate, Ground, Projection
from recommendations.models import Recommendation, Status
from recommendations.optimizer import Choice, Option, Planner, Terms
from recommendations.plays import Horizon

MARGIN = 1.0  # points that the safer plan goes beyond the target
MOST_PICKED = 60  # actions of one plan
OPEN = (Status.NEW, Status.IN_PROGRESS)


@dataclass(frozen=True)
class Candidate:
    """An action that may be planned; points in hundredths."""

    key: str  # public id of its recommendation
    title: str
    signal: str
    category: str
    target: int | None
    effort_days: float
    horizon: Horizon
    play: str = ""
    requires: frozenset[str] = frozenset()  # keys of other candidates
    blocked_by: str = ""  # title of what it needs and nobody will do
    is_under_way: bool = False
    costs_money: bool = False
    started_on: date | None = None
    owner: "User | None" = None
    due_on: date | None = None
    recommendation: Recommendation | None = None


@dataclass(frozen=True)
class Step:
    """One action of a plan, in the order in which the score shows them."""

    candidate: Candidate
    estimate: Estimate  # as a step after those before it
    on: date  # when the score shows it


@dataclass(frozen=True, eq=False)
class Plan:
    """Some actions, and where the score lands with them."""

    steps: tuple[Step, ...]
    effort: float  # days of work still to do
    projection: Projection

    @property
    def projected(self) -> int | None:
        """The overall score once all is done, in hundredths."""
        return self.projection.overall

    @property
    def gain(self) -> int | None:
        before, after = self.projection.before["overall"], self.projection.overall
        return None if before is None or after is None else after - before

    @property
    def on(self) -> date | None:
        """The day its last action shows."""
        return max((step.on for step in self.steps), default=None)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(step.candidate.key for step in self.steps)


@dataclass(frozen=True)
class Variant:
    """A plan that reaches the target, by name."""

    key: str  # cheapest, safer, without
    name: str
    sub: str
    plan: Plan
    gap: float = 0.0  # days of work that a cheaper one might save at most; 0: there is none


@dataclass(frozen=True)
class RunnerUp:
    """What would have been chosen otherwise, against the choice."""

    out: tuple[Candidate, ...]  # chosen, and not in it
    into: tuple[Candidate, ...]  # in it, and not chosen
    gain: float  # points it brings more than the choice; less, if negative
    effort: float  # days it takes more; less, if negative


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a plan."""

    target: int | None = None  # whole points
    by: date | None = None
    budget: float | None = None  # days of work
    with_less: bool = False  # also what matters less to them


def candidates(organization: Organization) -> list[Candidate]:
    """The open recommendations of an organization, in the order in which they are ranked; two queries."""
    rows = list(
        organization.recommendations.filter(scorecard=organization.scorecard, hidden_at=None)
        .select_related("owner")
        .order_by("model_rank", "pk")
    )
    plays = playbook.in_force().by_key
    by_play = {row.play: row for row in rows if row.play}
    found = []
    for row in rows:
        if row.status not in OPEN:
            continue
        play = plays.get(row.play)
        needs = [by_play[key] for key in (play.prerequisites if play else ()) if key in by_play]
        blocked = next((each.title for each in needs if each.status == Status.ARCHIVED), "")
        found.append(
            Candidate(
                key=str(row.public_id),
                title=row.title,
                signal=row.signal,
                category=row.category,
                target=row.target,
                effort_days=float(row.effort_days),
                horizon=Horizon(row.horizon),
                play=row.play,
                requires=frozenset(str(each.public_id) for each in needs if each.status in OPEN),
                blocked_by=blocked,
                is_under_way=row.status == Status.IN_PROGRESS,
                costs_money=bool(play and play.costs_money),
                started_on=row.started_on,
                owner=row.owner,
                due_on=row.due_on,
                recommendation=row,
            )
        )
    return found


def scope_of(play: str) -> str:
    """What sort of work a play is, such as development; empty for what somebody wrote by hand."""
    found = playbook.in_force().by_key.get(play)
    return str(found.scope) if found else ""


@dataclass(frozen=True, eq=False)
class Situation:
    """One organization on its newest night: what could be done, and what each would bring."""

    ground: Ground
    candidates: Sequence[Candidate]
    today: date
    matters: Mapping[str, str]  # signal -> how much less it matters to them

    @cached_property
    def by_key(self) -> Mapping[str, Candidate]:
        return {each.key: each for each in self.candidates}

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """What each action would bring on its own; one without a target is not known."""
        aims = [Aim(each.signal, (each.target or 0) / 100) for each in self.candidates]
        found = gain.estimates(self.ground, aims)
        return {each.key: made for each, made in zip(self.candidates, found, strict=True)}

    @property
    def now(self) -> int | None:
        """The overall score in hundredths."""
        return self.ground.hundredths["overall"]

    def shows_on(self, candidate: Candidate) -> date:
        """When the score shows it at the latest, what it requires done first."""
        return self.today + timedelta(days=self._lead(candidate.key, frozenset()))

    def _lead(self, key: str, above: frozenset[str]) -> int:
        each = self.by_key[key]
        before = [self._lead(need, above | {key}) for need in each.requires - above - {key}]
        return self.lead(each) + max(before, default=0)

    def lead(self, each: Candidate) -> int:
        """Days until the score shows an action; what is under way has some of them behind it."""
        gone = (self.today - each.started_on).days if each.started_on else 0
        return max(each.horizon.days - max(gone, 0), 0)

    # ---------- what may be chosen ----------

    @cached_property
    def _weights(self) -> Mapping[str, float]:
        return gain.weights(self.ground.card, self.ground.scores)

    @cached_property
    def _planners(self) -> dict[tuple[object, ...], Planner]:
        return {}

    def planner(self, wish: Wish, *, without: frozenset[str] = frozenset()) -> Planner:
        """The choice among everything that can be estimated and is wanted; `without` are categories."""
        key = (wish.by, wish.with_less, without)
        if key not in self._planners:
            self._planners[key] = self._planner(wish, without)
        return self._planners[key]

    def _planner(self, wish: Wish, barred: frozenset[str]) -> Planner:
        options = []
        for each in self.candidates:
            if self.why_not(each, wish) or (each.category in barred and not each.is_under_way):
                continue
            made = self.estimates[each.key]
            options.append(
                Option(
                    key=each.key,
                    signal=each.signal,
                    points=made.reached,
                    effort=0.0 if each.is_under_way else each.effort_days,
                    requires=each.requires,
                    lead=self.lead(each),
                    is_fixed=each.is_under_way,
                    sides=made.sides or {},
                )
            )
        weight = self._weights
        now = {signal: self.ground.points(signal) for signal in weight}
        # What is there already is nothing to require any more.
        there = {each.key for each in self.candidates if self.estimates[each.key].lack == gain.Lack.THERE}
        days = None if wish.by is None else (wish.by - self.today).days
        return Planner(Terms(options, now, weight, frozenset(there), days))

    def why_not(self, each: Candidate, wish: Wish) -> str:
        """Why an action is not chosen from; empty where it is."""
        if each.target is None:
            return "It has no target."
        if lack := self.estimates[each.key].lack:
            return lack
        if each.blocked_by and not each.is_under_way:
            return f"It needs “{each.blocked_by}” first, which is archived."
        if not wish.with_less and each.signal in self.matters and not each.is_under_way:
            return "You said that its signal matters less to you."
        if wish.by is not None and self.shows_on(each) > wish.by:
            days = (self.shows_on(each) - self.today).days
            return f"The score may show it only after {days} days."
        return ""

    # ---------- plans ----------

    def plan(self, keys: Iterable[str], moves: gain.Changes | None = None) -> Plan:
        """Where the score lands once these actions are done, in the order in which it shows them."""
        chosen = [self.by_key[key] for key in dict.fromkeys(keys)]
        chosen.sort(key=lambda each: (self.shows_on(each), each.effort_days, each.key))
        made = gain.together(
            self.ground, [Aim(each.signal, (each.target or 0) / 100) for each in chosen], moves
        )
        steps = tuple(
            Step(each, estimate, self.shows_on(each))
            for each, estimate in zip(chosen, made.estimates, strict=True)
        )
        effort = sum(each.effort_days for each in chosen if not each.is_under_way)
        return Plan(steps, effort, made)

    def needed(self, target: int) -> float:
        """Points missing to a target."""
        return target - self.ground.points("overall")

    def cheapest(
        self, wish: Wish, *, margin: float = 0.0, without: frozenset[str] = frozenset()
    ) -> Choice | None:
        if wish.target is None:
            return None
        return self.planner(wish, without=without).cheapest(self.needed(wish.target) + margin)

    def best(self, wish: Wish) -> Choice:
        """The greatest gain under the budget and the date."""
        return self.planner(wish).best(float("inf") if wish.budget is None else wish.budget)

    def variants(self, wish: Wish) -> list[Variant]:
        """The plans that reach the target: the cheapest, a safer one, one without its largest category."""
        cheapest = self.cheapest(wish)
        if cheapest is None or wish.target is None:
            return []
        found = [
            Variant("cheapest", "Cheapest", "Fewest days of work", self.plan(cheapest.keys), cheapest.gap)
        ]
        safer = self.cheapest(wish, margin=MARGIN)
        if safer and set(safer.keys) != set(cheapest.keys):
            found.append(
                Variant("safer", "Safer", "Adds a margin of one point", self.plan(safer.keys), safer.gap)
            )
        if category := self._largest(found[0].plan):
            other = self.cheapest(wish, without=frozenset({category}))
            if other:
                name = self.category_name(category)
                plan = self.plan(other.keys)
                found.append(
                    Variant("without", f"No {name} work", self._without_sub(plan, wish), plan, other.gap)
                )
        return found

    def _largest(self, plan: Plan) -> str:
        """The category with most of a plan's work."""
        work: dict[str, float] = {}
        for step in plan.steps:
            if not step.candidate.is_under_way:
                work[step.candidate.category] = (
                    work.get(step.candidate.category, 0) + step.candidate.effort_days
                )
        return max(work, key=lambda key: (work[key], key), default="")

    def _without_sub(self, plan: Plan, wish: Wish) -> str:
        over = wish.budget is not None and plan.effort > wish.budget
        return (
            f"If those teams have no time; over your {wish.budget:g} days"
            if over
            else "If those teams have no time"
        )

    def category_name(self, key: str) -> str:
        return next((each.name for each in self.ground.card.categories if each.key == key), key)

    def runner_up(self, wish: Wish, choice: Choice) -> RunnerUp | None:
        """The next best set, which leaves out at least one action of this one."""
        planner = self.planner(wish)
        other = (
            planner.runner_up(choice, need=self.needed(wish.target))
            if wish.target is not None
            else planner.runner_up(choice, budget=float("inf") if wish.budget is None else wish.budget)
        )
        if other is None or set(other.keys) == set(choice.keys):
            return None
        return RunnerUp(
            tuple(self.by_key[key] for key in choice.keys if key not in other.keys),
            tuple(self.by_key[key] for key in other.keys if key not in choice.keys),
            other.gain - choice.gain,
            other.effort - choice.effort,
        )


def situation(organization: Organization, today: date) -> Situation | None:
    """What an organization could do now; None while it has no score to start from."""
    ground = gain.ground(organization)
    if ground is None or ground.hundredths["overall"] is None:
        return None
    return Situation(
        ground,
        candidates(organization),
        today,
        goals.matters(organization, organization.scorecard),
    )


__all__ = [
    "Candidate",
    "Plan",
    "RunnerUp",
    "Situation",
    "Step",
    "Variant",
    "Wish",
    "candidates",
    "scope_of",
    "situation",
]
