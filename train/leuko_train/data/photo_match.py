"""Which photograph a picture is a copy of: turned, mirrored, stretched, shifted or smaller, but the same field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.errors import PictureError

SIDE = 320  # px; pictures are compared at this width
KEY_POINTS = 800
CONTRAST = 0.02  # SIFT's threshold, half its default: a smear out of focus still gives key points
VOTES = 6  # photographs with the most votes that are looked at closely
RATIO = 0.8  # of the distances to the nearest and the second nearest descriptor (Lowe 2004)
MIN_INLIERS = 20
"""Key points that one affine map explains. Of 3,872 Kaggle pictures 3,852 share 26 or more with one BCCD field
(99 of 100 have 51 or more), the other 20, of fields that BCCD does not hold, at most 5 with any."""
STRETCH = (0.5, 2.0)  # singular values of that map; chance matches collapse the picture to a line


class PhotoMatcher:
    """Photographs, searchable for the one that a picture was made of.

    Key points vote for photographs by their nearest descriptor; the photographs with the most votes are then matched
    one by one, and an affine map must explain the matches (RANSAC).
    """

    def __init__(self, photographs: Sequence[Path]) -> None:
        self._paths = list(photographs)
        self._features = [_features(path) for path in self._paths]
        self._owner = np.repeat(np.arange(len(self._paths)), [len(points) for points, _ in self._features])
        self._index = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 32})
        self._index.add([np.concatenate([descriptors for _, descriptors in self._features])])
        self._index.train()
        self._pairs = cv2.BFMatcher(cv2.NORM_L2)

    def find(self, picture: Path) -> int | None:
        """Index of the photograph that `picture` shows, None where none is known."""
        for mirrored in (False, True):  # SIFT knows no mirror image
            points, descriptors = _features(picture, mirrored)
            best = (0, -1)
            for candidate in self._candidates(descriptors):
                best = max(best, (self._inliers(points, descriptors, *self._features[candidate]), candidate))
                if best[0] >= 2 * MIN_INLIERS:
                    break
            if best[0] >= MIN_INLIERS:
                return best[1]
        return None

    def places(self) -> np.ndarray:
        """(photographs,) index of a photograph of the same place: alike for all that overlap, also mirrored.

        Who photographs a slide often takes one cell several times, or the next field with a part of the last.
        """
        place = np.arange(len(self._paths))
        for own, path in enumerate(self._paths):
            for mirrored in (False, True):
                points, descriptors = _features(path, mirrored)
                for other in self._candidates(descriptors, own):
                    if self._inliers(points, descriptors, *self._features[other]) >= MIN_INLIERS:
                        place[place == place[own]] = place[other]
        return place

    def _candidates(self, descriptors: np.ndarray, but: int = -1) -> list[int]:
        """The photographs with the most votes, `but` left out: a photograph's own key points would win."""
        if len(descriptors) < 2:
            return []
        found = self._index.knnMatch(descriptors, k=1 if but < 0 else 2)
        owners = self._owner[[match.trainIdx for matches in found for match in matches]]
        votes = np.bincount(owners[owners != but], minlength=len(self._paths))
        return [int(candidate) for candidate in np.argsort(-votes)[:VOTES] if votes[candidate]]

    def _inliers(
        self, points: np.ndarray, descriptors: np.ndarray, to_points: np.ndarray, to_descriptors: np.ndarray
    ) -> int:
        if len(to_points) < 2:
            return 0
        pairs = [
            (first.queryIdx, first.trainIdx)
            for first, second in self._pairs.knnMatch(descriptors, to_descriptors, k=2)
            if first.distance < RATIO * second.distance
        ]
        if len(pairs) < 4:
            return 0
        query, train = np.array(pairs).T
        matrix, inliers = cv2.estimateAffine2D(points[query], to_points[train], ransacReprojThreshold=3)
        if matrix is None:
            return 0
        stretch = np.linalg.svd(matrix[:, :2], compute_uv=False)
        return int(inliers.sum()) if STRETCH[0] < stretch.min() and stretch.max() < STRETCH[1] else 0


def _features(path: Path, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 2) and SIFT descriptors (n, 128). Raises PictureError where the file is no picture."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise PictureError(f"{path} cannot be read")
    size = (SIDE, round(SIDE * grey.shape[0] / grey.shape[1]))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    sift = cv2.SIFT.create(nfeatures=KEY_POINTS, contrastThreshold=CONTRAST)
    points, descriptors = sift.detectAndCompute(cv2.flip(grey, 1) if mirrored else grey, None)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in points], np.float32), descriptors
