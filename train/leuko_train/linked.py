"""Which pictures show the same photograph, though folders and names differ.

The Kaggle set is made of rotated copies of BCCD's fields, and DeepBioNet's class folders share photographs with its
fields. A split that does not know this puts the same cell on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

from .labs import Item

SIDE = 320  # px; pictures are compared at this width
MIN_INLIERS = 14  # key points that one affine map explains; unlike fields reach 4 to 8


def _features(item: Item) -> tuple[np.ndarray, np.ndarray]:
    grey = cv2.imread(str(item.path), cv2.IMREAD_GRAYSCALE)
    size = (SIDE, round(SIDE * grey.shape[0] / grey.shape[1]))
    points, descriptors = cv2.SIFT_create(nfeatures=250).detectAndCompute(cv2.resize(grey, size), None)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([p.pt for p in points], np.float32), descriptors


def same_photograph(references: Sequence[Item], others: Sequence[Item]) -> dict[int, int]:
    """Index of the reference that each of `others` is a copy of, for those that are one.

    Key points vote for references (nearest SIFT descriptor, Lowe's ratio 0.8); the best three are checked by a
    partial affine map (RANSAC).
    """
    gathered = [_features(item) for item in references]
    owner = np.repeat(np.arange(len(gathered)), [len(points) for points, _ in gathered])
    matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 48})
    matcher.add([np.concatenate([descriptors for _, descriptors in gathered])])
    matcher.train()
    places = np.concatenate([points for points, _ in gathered])
    copies = {}
    for number, item in enumerate(others):
        points, descriptors = _features(item)
        if len(points) < MIN_INLIERS:
            continue
        pairs = defaultdict(list)
        for nearest in matcher.knnMatch(descriptors, k=1):
            if nearest and nearest[0].distance < 220:
                pairs[owner[nearest[0].trainIdx]].append((nearest[0].queryIdx, nearest[0].trainIdx))
        votes = Counter({reference: len(found) for reference, found in pairs.items()})
        best = (0, -1)
        for reference, count in votes.most_common(3):
            if count < MIN_INLIERS:
                break
            query, train = np.array(pairs[reference]).T
            _, inliers = cv2.estimateAffinePartial2D(points[query], places[train], ransacReprojThreshold=3)
            best = max(best, (0 if inliers is None else int(inliers.sum()), int(reference)))
        if best[0] >= MIN_INLIERS:
            copies[number] = best[1]
    return copies
