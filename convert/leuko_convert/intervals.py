"""95 % intervals of what quantisation changed: whole photographs drawn again, never narrower than chance allows.

Cells of one photograph share its stain and focus, so photographs are drawn, not cells. Drawing again what never
happened gives an interval of no width; there the exact interval of "none of so many" stands in.
"""

from __future__ import annotations

import numpy as np

from leuko_edge.binomial import clopper_pearson

ROUNDS = 1000
METHOD = (
    f"95 %, {ROUNDS} draws of whole photographs; shares never narrower than the exact binomial of the cells, shifts "
    "of a class that no cell changed those of none among so many photographs"
)


class Photographs:
    """`sources` (n,): the photograph of each cell. The same draws serve every figure, so that they can be compared."""

    def __init__(self, sources: np.ndarray, seed: int = 0) -> None:
        names, self._index = np.unique(sources, return_inverse=True)
        self.count = len(names)
        draw = np.random.default_rng(seed).multinomial
        self._drawn = draw(self.count, np.full(self.count, 1 / self.count), size=ROUNDS)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """(ROUNDS, k): the sum over the drawn photographs' cells of `values` (n, k)."""
        totals = np.zeros((self.count, values.shape[1]))
        np.add.at(totals, self._index, values)
        return self._drawn @ totals

    def share(self, agreed: np.ndarray, among: np.ndarray) -> tuple[float, float]:
        """Of the share of `agreed` (n,) bool in the cells `among` (n,) bool; (0, 1) without cells."""
        low, high = clopper_pearson(int((agreed & among).sum()), int(among.sum()))
        sums = self._sums(np.stack([agreed & among, among], axis=1).astype(float))
        shares = sums[:, 0][sums[:, 1] > 0] / sums[:, 1][sums[:, 1] > 0]
        if len(shares):
            drawn = np.percentile(shares, (2.5, 97.5))
            low, high = min(low, float(drawn[0])), max(high, float(drawn[1]))
        return low, high

    def shifts(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """(k, 2) points: of each class's per cent in `after` less that in `before`; both (n, k) bool."""
        sums = [self._sums(one.astype(float)) for one in (before, after)]
        counted = (sums[0].sum(axis=1) > 0) & (sums[1].sum(axis=1) > 0)
        if not counted.any():
            return np.tile([-100.0, 100.0], (before.shape[1], 1))
        shares = [100 * one[counted] / one[counted].sum(axis=1, keepdims=True) for one in sums]
        found = np.percentile(shares[1] - shares[0], (2.5, 97.5), axis=0).T
        none = 100 * clopper_pearson(0, self.count)[1]
        still = (before == after).all(axis=0)
        found[still] = np.stack([np.minimum(found[still, 0], -none), np.maximum(found[still, 1], none)], axis=1)
        return found
