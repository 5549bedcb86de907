"""The drawn control as a folder of photographs with its control.json, and the same after something has changed."""

import json

import cv2
import numpy as np

from leuko_edge.qc import control as controls
from leuko_edge.qc.drawn import DrawnSlide

DAMAGE = {
    "as it was": lambda bgr: bgr,
    "dimmed": lambda bgr: (bgr * 0.7).astype(np.uint8),
    "blurred": lambda bgr: cv2.GaussianBlur(bgr, (0, 0), 3),
    "blue-shifted": lambda bgr: np.clip(bgr * np.array([1.0, 0.92, 0.9]), 0, 255).astype(np.uint8),
    "enlarged": lambda bgr: cv2.resize(bgr, None, fx=1.15, fy=1.15, interpolation=cv2.INTER_CUBIC),
}


def write(folder, slide: DrawnSlide, damage="as it was"):
    """The photographs; with their control where nothing was done to them."""
    folder.mkdir(exist_ok=True)
    for frame in slide:
        cv2.imwrite(str(folder / frame.source), DAMAGE[damage](frame.bgr), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if damage == "as it was":
        (folder / controls.FILE).write_text(json.dumps(controls.as_json(slide.control())))
    return folder
