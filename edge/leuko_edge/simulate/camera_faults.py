"""What a live camera and the hand on its microscope do wrong, frame after frame: `Faults`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EVEN = 8  # frames over which the lamp's flicker and the drift of focus keep their value, about


@dataclass(frozen=True)
class Faults:
    """What goes wrong between slide and file, as it does with an ordinary camera and a practised hand."""

    shutter_s: float = 0.008  # how long each frame is exposed: moving smears it
    noise: float = 1.0  # times the camera's own
    drift_um: float = 0.06  # s.d. of the defocus (as s.d. of blur) that comes and goes by itself
    lost_focus: float = 1 / 400  # chance a frame that focus is lost, until the hand has found it again
    lamp: float = 0.01  # s.d. of the lamp's slow flicker, relative
    dropped: float = 0.005  # share of the frames captured that are never delivered


NO_FAULTS = Faults(shutter_s=0.0, noise=1.0, drift_um=0.0, lost_focus=0.0, lamp=0.0, dropped=0.0)


class Drift:
    """A value that wanders slowly about 0 with a s.d. of 1."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._value = rng, 0.0

    def next(self) -> float:
        """Its value at the next frame."""
        keep = 1 - 1 / EVEN
        self._value = keep * self._value + (1 - keep**2) ** 0.5 * float(self._rng.normal())
        return self._value


class Focus:
    """The fine focus: it drifts, and now and then it is lost altogether until somebody turns the knob."""

    def __init__(self, faults: Faults, rng: np.random.Generator) -> None:
        self._faults, self._rng, self._drift = faults, rng, Drift(rng)
        self._far: list[float] = []  # s.d. of blur, µm, in the frames to come of an episode, last first

    @property
    def lost(self) -> bool:
        """Whether the next frame belongs to an episode out of focus."""
        return bool(self._far)

    def next(self, waiting: bool = False) -> float:
        """The s.d. of the blur, µm, that the next frame has besides the lens's own.

        `waiting`: somebody is at the knob, so focus is not lost anew.
        """
        drift = abs(self._drift.next()) * self._faults.drift_um
        if not self._far and not waiting and self._rng.random() < self._faults.lost_focus:
            worst, wait = self._rng.uniform(0.35, 0.7), int(self._rng.integers(8, 25))
            slope = np.linspace(0, worst, 8).tolist()
            self._far = [*slope, *[worst] * wait, *reversed(slope)]
        return float(np.hypot(drift, self._far.pop() if self._far else 0.0))
