"""`python -m tests.recommendations.worlds_table`: estimator by estimator, how near each comes to the oracle."""

import sys
from collections.abc import Callable, Iterable

import numpy as np

from recommendations import ranking
from tests.recommendations.worlds import LATER, TARGET, Simulated, World, simulate

TOP = 5
BUDGET = 10.0  # days of effort each organization spends, from the top of its list down
DEVELOPMENT = range(1000, 1010)  # every choice was made on these
REPORTED = range(1, 13)  # and on none of these

type Estimator = Callable[[Simulated], np.ndarray]  # (orgs, plays), the greater the earlier


def gap(world: Simulated) -> np.ndarray:
    """Points to the target, (orgs, plays)."""
    return np.clip(TARGET - world.levels[:, world.signal, -1], 0, None)


def oracle(world: Simulated) -> np.ndarray:
    return world.truth * world.weight[world.signal] / world.effort


def largest_weighted_gap(world: Simulated) -> np.ndarray:
    return gap(world) * world.weight[world.signal]


def largest_gap_per_day(world: Simulated) -> np.ndarray:
    """The same, but knowing the effort: what the portal does before it has learned anything."""
    return largest_weighted_gap(world) / world.effort


def popularity(world: Simulated) -> np.ndarray:
    count = np.bincount(world.deeds.play, minlength=len(world.signal))
    return np.broadcast_to(count, world.open.shape).astype(float)


def before_after(world: Simulated) -> np.ndarray:
    """What the signal gained on average after the play, whatever else moved it; weighted, by effort."""
    deeds, plays = world.deeds, len(world.signal)
    over = deeds.month + LATER < world.levels.shape[2]
    who, what, when = deeds.organization[over], deeds.play[over], deeds.month[over]
    rose = world.levels[who, world.signal[what], when + LATER] - world.levels[who, world.signal[what], when]
    mean = np.bincount(what, rose, plays) / np.maximum(np.bincount(what, minlength=plays), 1)
    return np.broadcast_to(mean * world.weight[world.signal] / world.effort, world.open.shape)


def outcomes(world: Simulated) -> ranking.Outcomes:
    deeds = world.deeds
    return ranking.Outcomes(
        levels=world.levels,
        segment=world.segment,
        organization=deeds.organization,
        play=deeds.play,
        close=deeds.month,
        signal=world.signal,
        prior=world.prior,
        target=TARGET,
    )


def learned(world: Simulated) -> np.ndarray:
    fitted = ranking.fit(outcomes(world))
    orgs, plays = world.open.shape
    play, segment = np.tile(np.arange(plays), orgs), np.repeat(world.segment, plays)
    found = ranking.predict(fitted, play, segment, gap(world).ravel())
    return found.expected.reshape(orgs, plays) * world.weight[world.signal] / world.effort


ESTIMATORS: dict[str, Estimator] = {
    "Learned": learned,
    "Largest weighted gap": largest_weighted_gap,
    "Largest weighted gap by effort": largest_gap_per_day,
    "Popularity": popularity,
    "Before/after": before_after,
}


def ndcg(world: Simulated, value: np.ndarray) -> float:
    """NDCG@5 over organizations; what a play is worth is its true gain by day of effort, harm counting as 0."""
    worth = np.where(world.open, np.clip(oracle(world), 0, None), 0)
    discount = 1 / np.log2(np.arange(TOP) + 2)
    shown = np.argsort(-np.where(world.open, value, -np.inf), axis=1, kind="stable")[:, :TOP]
    got = (np.take_along_axis(worth, shown, 1) * discount).sum(axis=1)
    best = (-np.sort(-worth, axis=1)[:, :TOP] * discount).sum(axis=1)
    return float(np.mean(got[best > 0] / best[best > 0]))


def uplift(world: Simulated, value: np.ndarray) -> float:
    """Points of the overall score that all gain who go down their list with so many days to spend."""
    total = 0.0
    worth = world.truth * world.weight[world.signal]
    for organization, listed in enumerate(np.argsort(-value, axis=1, kind="stable")):
        left = BUDGET
        for play in listed:
            if (
                world.open[organization, play]
                and world.effort[play] <= left
                and value[organization, play] > 0
            ):
                left -= world.effort[play]
                total += worth[organization, play]
    return total


def measure(world: Simulated, estimators: Iterable[str] = ESTIMATORS) -> dict[str, tuple[float, float]]:
    """NDCG@5 and captured uplift of each."""
    best = uplift(world, oracle(world))
    values = {name: ESTIMATORS[name](world) for name in estimators}
    return {name: (ndcg(world, value), uplift(world, value) / best) for name, value in values.items()}


def claimed(world: Simulated) -> tuple[float, float, float]:
    """Where nothing works: the share of plays said to bring a point or more (learned, before/after), and the
    mean of what is learned, in points.
    """
    orgs, plays = world.open.shape
    per_day = world.weight[world.signal] / world.effort
    gains = (learned(world) / per_day).mean(axis=0)
    naive = before_after(world)[0] / per_day
    return float((gains >= 1).mean()), float((naive >= 1).mean()), float(gains.mean())


def table(seeds: Iterable[int]) -> Iterable[str]:
    """The lines of recommendations/README.md."""
    for kind in (World.CONFOUNDED, World.DRIFTING):
        for count in (60, 600):
            rows = [measure(simulate(kind, count, seed)) for seed in seeds]
            yield f"\n**{kind.value.capitalize()}, {count} organizations**\n"
            yield "| Estimator | NDCG@5, mean | worst | Captured uplift, mean | worst |"
            yield "|---|---|---|---|---|"
            for name in ESTIMATORS:
                got = np.array([row[name] for row in rows])
                mean, worst = got.mean(axis=0), got.min(axis=0)
                yield f"| {name} | {mean[0]:.3f} | {worst[0]:.3f} | {mean[1]:.3f} | {worst[1]:.3f} |"
    yield "\n**No effect at all**\n"
    yield "| Organizations | Plays said to bring a point, learned | before/after | Learned gain, mean | worst |"
    yield "|---|---|---|---|---|"
    for count in (60, 600):
        got = np.array([claimed(simulate(World.NO_EFFECT, count, seed)) for seed in seeds])
        share, naive, gain = got.mean(axis=0)
        yield f"| {count} | {share:.0%} | {naive:.0%} | {gain:.2f} points | {got[:, 2].max():.2f} points |"


def main() -> None:
    for line in table(DEVELOPMENT if "--development" in sys.argv else REPORTED):
        print(line, flush=True)


if __name__ == "__main__":
    main()
