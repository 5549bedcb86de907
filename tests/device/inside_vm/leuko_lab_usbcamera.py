"""The lab's camera: a USB microscope camera that plays a drawn smear. Run in the virtual machine, for ever.

/run/leuko-lab-camera holds one word, which may change at any time:
play    the film, by this machine's clock: the stage goes on also while the camera is away or silent
frozen  the picture that was last shown, again and again
silent  no more pictures, though it is plugged in
empty   an empty field as the camera's controls show it
away    it is unplugged
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from leuko_lab_usbip import Port
from leuko_lab_uvc import APERTURE_PRIORITY, AUTO_EXPOSURE, AUTO_WHITE, EXPOSURE, GAIN, TEMPERATURE, UvcCamera

WORD = Path("/run/leuko-lab-camera")
LOOK = 0.05  # seconds


class Shown:
    """What the camera is to show now."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "about.json").read_text())
        self.fps: float = about["fps"]
        self._film = [(folder / "frames" / f"{n}.jpg").read_bytes() for n in range(about["frames"])]
        self._size: tuple[int, int] = tuple(about["view"])
        self._last = -1  # number of the picture that was last shown, from the machine's start
        self._still: bytes | None = None

    def plugged_in(self) -> UvcCamera:
        """The camera as it is after its power was off: with the controls' defaults."""
        self.camera = UvcCamera(*self._size, self.fps, self._due)
        return self.camera

    def _due(self) -> bytes | None:
        number, word = int(time.monotonic() * self.fps), word_now()
        if number == self._last or word == "silent":
            return None
        self._last, before = number, self._last
        if word == "frozen":
            self._still = self._still or self._film[before % len(self._film)]
            return self._still
        self._still = None
        return self._empty() if word == "empty" else self._film[number % len(self._film)]

    def _empty(self) -> bytes:
        import cv2
        import numpy as np

        from leuko_edge.simulate import Camera

        controls, (width, height) = self.camera.controls, self._size
        by_itself = controls[AUTO_EXPOSURE] == APERTURE_PRIORITY
        light = 0.6 if by_itself else controls[EXPOSURE] / 150 * (1 + controls[GAIN] / 50) / 1.4
        warmth = 1.0 if controls[AUTO_WHITE] else controls[TEMPERATURE] / 5200  # what makes up for this lamp
        blue, green, red = Camera().white
        camera = Camera(white=(0.8 * blue * light / warmth, 0.8 * green * light, 0.8 * red * light * warmth))
        rng = np.random.default_rng()
        bgr = camera.expose(rng, np.ones((height, width, 3), np.float32), 0.2)
        return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def word_now() -> str:
    try:
        return WORD.read_text().strip()
    except OSError:
        return "away"


def main() -> None:
    shown = Shown(Path(sys.argv[1]))
    while True:
        while word_now() == "away":
            time.sleep(LOOK)
        try:
            camera = shown.plugged_in()
            with Port() as port:
                while word_now() != "away" and port.serve(camera, LOOK):
                    pass
        except OSError as error:  # a socket that is not free yet
            print(error, file=sys.stderr, flush=True)
            time.sleep(LOOK)


if __name__ == "__main__":
    os.nice(-10)  # a camera has a clock of its own
    main()
