"""How often the control charts cry wolf, and how soon they tell: simulated sites, beside what theory promises.

    python edge/benchmarks/qc_alarms.py --sites 10000 --seed 1

A site measures one control (or two) once a day for a year of 250 days, as normal deviates; each measurement
is put to `leuko_edge.qc.westgard`. The promise is exact: for each rule a product of normal tails, for all together the
mean of a Markov chain's time to its end (as Champ & Woodall 1987, Technometrics 29:393, with Westgard's rules).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from leuko_edge.qc.baseline import FEWEST, baseline
from leuko_edge.qc.drift import drift
from leuko_edge.qc.westgard import Measured, Rule, broken
from leuko_edge.store.quality import SessionSigns
from leuko_edge.vision.signs import Sign

DAYS = 250
_LIMITS = (-np.inf, -3, -2, -1, 0, 1, 2, 3, np.inf)


def tail(limit: float, shift: float = 0.0) -> tuple[float, float]:
    """Chance that a measurement lies below -limit, and above limit."""
    normal = NormalDist(shift)
    return normal.cdf(-limit), 1 - normal.cdf(limit)


def promised(shift: float = 0.0) -> dict[Rule, float]:
    """Chance that one measurement of one control a run, with ten before it, breaks each rule."""
    streaks = {Rule.ONE_3S: (3, 1), Rule.TWO_2S: (2, 2), Rule.FOUR_1S: (1, 4), Rule.TEN_X: (0, 10)}
    found = {rule: sum(side**count for side in tail(limit, shift)) for rule, (limit, count) in streaks.items()}
    return found | {Rule.R_4S: 0.0}


def runs_until_told(shift: float = 0.0) -> float:
    """Mean number of runs of one control until any rule is broken, the first of them included."""
    normal = NormalDist(shift)
    chances = np.diff([normal.cdf(limit) for limit in _LIMITS])
    start = (0, 0, 0, 0)  # side, and how many in a row beyond 2, beyond 1 and at all on it
    states, moves = [start], []
    for state in states:  # grows while it is gone through
        step = []
        for piece, chance in enumerate(chances):
            side, size = (1, piece - 4) if piece >= 4 else (-1, 3 - piece)
            two, one, any_ = state[1:] if state[0] == side else (0, 0, 0)
            after = (side, two + 1 if size >= 2 else 0, one + 1 if size >= 1 else 0, any_ + 1)
            if size < 3 and after[1] < 2 and after[2] < 4 and after[3] < 10:
                if after not in states:
                    states.append(after)
                step.append((states.index(after), chance))
        moves.append(step)
    matrix = np.zeros((len(states), len(states)))
    for row, step in enumerate(moves):
        for column, chance in step:
            matrix[row, column] += chance
    return float(np.linalg.solve(np.eye(len(states)) - matrix, np.ones(len(states)))[0])


def year(
    rng: np.random.Generator, days: int, controls: int = 1, shift: float = 0.0, learnt: bool = False
) -> Iterator[tuple[Rule, ...]]:
    """The rules that each measurement of a site breaks; `learnt`: by mean and spread of its own first runs."""
    usual = [_usual(rng, learnt) for _ in range(controls)]
    history: list[Measured] = []
    for day in range(days):
        for control, (mean, sd) in enumerate(usual):
            history.append(Measured(str(day), str(control), (rng.normal(shift) - mean) / sd))
            yield broken(history[-10 * controls :])


def _usual(rng: np.random.Generator, learnt: bool) -> tuple[float, float]:
    found = baseline(rng.normal(size=FEWEST).tolist(), 1e-6) if learnt else None
    return (found.mean, found.sd) if found else (0.0, 1.0)


def quiet(rng: np.random.Generator, sites: int, controls: int, learnt: bool) -> tuple[Counter[Rule], int, int]:
    """Without a change: measurements after the tenth day that break each rule, those that break any, and all."""
    alarms, any_, total = Counter[Rule](), 0, 0
    for _ in range(sites):
        for found in list(year(rng, DAYS, controls, learnt=learnt))[10 * controls :]:
            alarms.update(found)
            any_ += bool(found)
            total += 1
    return alarms, any_, total


def told_after(rng: np.random.Generator, sites: int, controls: int, shift: float, learnt: bool) -> np.ndarray:
    """Runs until a change of `shift` standard deviations is told, of each site, which was quiet and new before it."""
    found = []
    for _ in range(sites):
        measured = enumerate(year(rng, 100 * DAYS, controls, shift, learnt))
        found.append(next(n // controls + 1 for n, rules in measured if rules))
    return np.array(found)


def drifted(rng: np.random.Generator, sites: int, before: int, shift: float) -> float:
    """Share of sites told of drift after one session that lies `shift` SD off, with so many sessions before it."""
    told = 0
    for _ in range(sites):
        lights = 200 + 10 * np.append(rng.normal(size=before), rng.normal(shift))
        *earlier, last = (
            SessionSigns(n, 0.0, "live", "camera", ({Sign.LIGHT: float(light)},), 0, 0)
            for n, light in enumerate(lights)
        )
        told += bool(drift(last, earlier).findings)
    return told / sites


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print(f"{options.sites} sites, {DAYS} runs each, seed {options.seed}")
    for controls, learnt in ((1, False), (1, True), (2, False)):
        spread = f"learnt from {FEWEST} runs" if learnt else "known"
        print(f"\n{controls} control{'s' * (controls > 1)} a run, mean and spread {spread}")
        alarms, any_, total = quiet(rng, options.sites, controls, learnt)
        for rule in Rule:
            theory = f", theory {promised()[rule]:.3%}" if controls == 1 and not learnt else ""
            print(f"  {rule}: {alarms[rule] / total:.3%} of measurements{theory}")
        rate = any_ / total
        print(f"  any rule: {rate:.3%} of measurements; of ten charts beside one another {1 - (1 - rate) ** 10:.1%}")
        for shift in (0.0, 1.0, 2.0, 3.0):
            runs = told_after(rng, options.sites, controls, shift, learnt)
            theory = f", theory {runs_until_told(shift):.2f}" if controls == 1 and not learnt else ""
            ninety = np.percentile(runs, 90)
            told = f"told after {runs.mean():.2f} runs{theory}"
            print(f"  shift {shift:g} SD: {told}; nine of ten sites within {ninety:.0f}", flush=True)
    print("\ndrift: one session beside those before it, of one sign")
    for before in (20, 60):
        rates = ", ".join(f"{shift} SD off {drifted(rng, options.sites, before, shift):.2%}" for shift in (0, 2, 4, 6))
        print(f"  {before} sessions before: told of {rates}")


if __name__ == "__main__":
    main()
