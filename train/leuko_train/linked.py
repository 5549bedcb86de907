"""Which pictures show the same photograph, though folders and names differ.

The Kaggle set is made of rotated copies of BCCD's fields, and DeepBioNet's class folders share photographs with its
fields. A split that does not know this puts the same cell on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.errors import PictureError

from .labs import Item

SIDE = 320  # px; pictures are compared at this width
MAX_DISTANCE = 220  # between SIFT descriptors that may show the same spot
MIN_INLIERS = 14  # key points that one affine map explains; unlike fields reach 4 to 8


def _features(path: Path, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise PictureError(f"{path} cannot be read")
    grey = cv2.resize(grey, (SIDE, round(SIDE * grey.shape[0] / grey.shape[1])))
    points, descriptors = cv2.SIFT_create(nfeatures=250).detectAndCompute(cv2.flip(grey, 1) if mirrored else grey, None)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([p.pt for p in points], np.float32), descriptors


class Gallery:
    """Photographs, searchable for the one that a copy was made of.

    Key points vote for photographs (nearest SIFT descriptor); the best three are checked by a partial affine map
    (RANSAC). SIFT knows no mirror image, so a copy is looked for in both orientations.
    """

    def __init__(self, photographs: Sequence[Item]) -> None:
        gathered = [_features(item.path) for item in photographs]
        self._owner = np.repeat(np.arange(len(gathered)), [len(points) for points, _ in gathered])
        self._places = np.concatenate([points for points, _ in gathered])
        self._matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 48})
        self._matcher.add([np.concatenate([descriptors for _, descriptors in gathered])])
        self._matcher.train()

    def find(self, copies: Sequence[Item]) -> int | None:
        """Index of the photograph that any of `copies` (all of one source) shows, None where none is known."""
        for mirrored in (False, True):
            for copy in copies:
                found = self._find(*_features(copy.path, mirrored))
                if found is not None:
                    return found
        return None

    def _find(self, points: np.ndarray, descriptors: np.ndarray) -> int | None:
        if len(points) < MIN_INLIERS:
            return None
        pairs = defaultdict(list)
        for nearest in self._matcher.knnMatch(descriptors, k=1):
            if nearest and nearest[0].distance < MAX_DISTANCE:
                pairs[self._owner[nearest[0].trainIdx]].append((nearest[0].queryIdx, nearest[0].trainIdx))
        votes = Counter({reference: len(matched) for reference, matched in pairs.items()})
        best = (0, -1)
        for reference, count in votes.most_common(3):
            if count < MIN_INLIERS:
                break
            query, train = np.array(pairs[reference]).T
            _, inliers = cv2.estimateAffinePartial2D(points[query], self._places[train], ransacReprojThreshold=3)
            best = max(best, (0 if inliers is None else int(inliers.sum()), int(reference)))
        return best[1] if best[0] >= MIN_INLIERS else None
