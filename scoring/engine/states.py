"""What a number can be besides a number: states and flags; and how points are stored and shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt

from scoring.engine.arrays import Array, Bytes, Mask, first_fitting


class State(IntEnum):
    """Why a node has a number or none. 0 to 6 are for signals; the rest of the tree uses 0, 5 and 7 to 9."""

    OK = 0
    STALE_GRACE = 1
    MISSING = 2
    INVALID = 3
    INSUFFICIENT_HISTORY = 4
    NOT_APPLICABLE = 5
    EXEMPT = 6
    PROVISIONAL = 7
    INSUFFICIENT_DATA = 8
    SETTING_UP = 9


class Flag(IntFlag):
    """What a reader should know beside the points of a signal."""

    OVER_100 = 1
    FROM_ZERO = 2
    DORMANT = 4
    BASE_SHIFT = 8
    DENOMINATOR_CHANGED = 16
    PREVIEW = 32


@dataclass(frozen=True, eq=False)
class Outcome:
    """One signal of every organization; all arrays are (orgs,)."""

    points: Array  # 0-100, NaN without a number
    state: Bytes
    flags: Bytes
    history: Bytes  # observed base periods of a growth signal, else 0
    share: Array  # of the base that was observed, 0-1; 1 where a kind has no base
    inputs: Mapping[str, Array] = field(default_factory=dict)


def settled(
    points: Array,
    lateness: Bytes,
    inputs: Mapping[str, Array],
    *,
    missing: Mask | bool = False,
    invalid: Mask | bool = False,
    short: Mask | bool = False,
    nothing: Mask | bool = False,
    flags: Bytes | None = None,
    history: Bytes | None = None,
    share: Array | None = None,
) -> Outcome:
    """The outcome of a signal, each organization in the first state that fits it.

    shapes  points, lateness, masks: (orgs,)
    units   lateness: 0 in time, 1 in grace, 2 beyond grace
    returns points only where the state is OK or STALE_GRACE; `short` is a history too short, `nothing` is
            nothing to measure
    """
    zeros = np.zeros(points.shape, np.uint8)
    state = first_fitting(
        [
            ((lateness >= 2) | missing, State.MISSING),
            (invalid, State.INVALID),
            (short, State.INSUFFICIENT_HISTORY),
            (nothing, State.NOT_APPLICABLE),
            (lateness == 1, State.STALE_GRACE),
        ],
        otherwise=zeros + np.uint8(State.OK),
    )
    has_points = state <= State.STALE_GRACE
    kept = first_fitting([(has_points, 255), (state == State.NOT_APPLICABLE, Flag.DORMANT)], otherwise=zeros)
    return Outcome(
        points=np.where(has_points, points, np.nan),
        state=state,
        flags=zeros if flags is None else flags & kept,
        history=zeros if history is None else history,
        share=np.ones(points.shape) if share is None else share,
        inputs=inputs,
    )


def canonical(points: Array) -> npt.NDArray[np.int16]:
    """Points as they are stored and verified: hundredths, half to even.

    shapes  any
    returns int16, 0-10000; -1 where points are NaN
    source  SCORING §0

    The inner rounding decides ties at a millionth of a hundredth, so that float noise cannot.
    """
    hundredths = np.rint(np.round(np.asarray(points, np.float64) * 100, 6))
    return np.where(np.isnan(hundredths), -1, hundredths).astype(np.int16)


def shown(hundredths: int) -> int:
    """The whole number on the screen, half to even again: 6250 is shown as 62."""
    whole, rest = divmod(int(hundredths), 100)
    return whole + (rest > 50 or (rest == 50 and whole % 2 == 1))
