"""When is enough counted: so many cells, or an interval narrow enough."""

from __future__ import annotations

from dataclasses import dataclass

from ..session import End
from ..tally import Differential

LEAST = 20  # cells below which an interval is never taken for narrow: with none of a class seen it would be


@dataclass(frozen=True)
class Goal:
    """`target` leukocytes, or `precision`: the widest 95 % interval, in points from end to end, to get below.

    Neither: counting goes on until somebody stops it.
    """

    target: int | None = 100
    precision: float | None = None

    def reached(self, differential: Differential) -> End | None:
        """Why counting is done, None where it is not."""
        if self.target is not None and differential.counted >= self.target:
            return End.TARGET
        if self.precision is not None and differential.counted >= LEAST and widest(differential) <= self.precision:
            return End.PRECISION
        return None


def widest(differential: Differential) -> float:
    """The widest 95 % interval, in points, of the classes that have a reference range; 100 before any cell."""
    return max((s.ci95[1] - s.ci95[0] for s in differential.classes if s.reference is not None), default=100.0)
