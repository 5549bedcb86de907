import cv2
import numpy as np
import pytest

from leuko_edge.live.gate import FIRST, Gate
from leuko_edge.session import ADVICE, Place
from leuko_edge.simulate import draw_field
from leuko_edge.types import Skip


def place(step: float = 0.0, state: str = "tracking") -> Place:
    return Place(state, 0, 0, 0.0, 0.0, 0.0, 0.0, 1.0, step)


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    return draw_field(np.random.default_rng(1), width=800, height=600, um_per_px=0.1).bgr


@pytest.fixture
def gate(sharp) -> Gate:
    gate = Gate()
    for _ in range(FIRST):
        assert gate.judge(sharp, place()).reason is None
    return gate


def test_before_the_microscope_is_known_sharpness_is_said_to_be_measured(sharp):
    gate = Gate()
    verdict = gate.judge(sharp, place())
    assert verdict.sharpness == "measuring" and gate.settings["sharpness_reference"] is None


def test_a_still_sharp_frame_is_counted(gate, sharp):
    verdict = gate.judge(sharp, place(1.0))
    assert (verdict.reason, verdict.light, verdict.sharpness, verdict.motion) == (None, "good", "sharp", "still")


def test_a_frame_out_of_focus_is_not(gate, sharp):
    assert gate.judge(cv2.GaussianBlur(sharp, (0, 0), 6), place()).reason == "defocused"


def test_a_frame_that_moves_fast_is_not_counted_however_sharp(gate, sharp):
    assert gate.judge(sharp, place(0.1 * sharp.shape[1])).reason == "moving"


def test_a_slow_move_is_counted_while_it_stays_sharp(gate, sharp):
    slow = place(0.01 * sharp.shape[1])
    assert gate.judge(sharp, slow).reason is None
    assert gate.judge(cv2.blur(sharp, (1, 15)), slow).reason == "moving"


def test_a_lost_frame_is_not_counted(gate, sharp):
    assert gate.judge(sharp, place(float("inf"), "lost")).reason == "lost"


@pytest.mark.parametrize(("gain", "light"), [(5.0, "too bright"), (0.12, "too dark")])
def test_bad_light_is_named(gate, sharp, gain, light):
    verdict = gate.judge(np.clip(sharp * gain, 0, 255).astype(np.uint8), place())
    assert (verdict.reason, verdict.light) == ("clipped", light)


def test_an_empty_field_is_not_counted(gate):
    noise = np.random.default_rng(0).normal(225, 2, (600, 800, 3))
    assert gate.judge(noise.astype(np.uint8), place()).reason == "empty"


def test_the_reference_follows_a_microscope_that_is_less_sharp():
    soft = cv2.GaussianBlur(draw_field(np.random.default_rng(2), width=800, height=600).bgr, (0, 0), 4)
    gate = Gate()
    reasons = [gate.judge(soft, place()).reason for _ in range(FIRST + 2)]
    assert set(reasons) == {None} and gate.settings["sharpness_reference"] > 0


def test_every_reason_has_its_advice():
    assert set(ADVICE) == set(Skip)


def test_a_frame_of_less_than_three_fifths_of_the_reference_is_out_of_focus(gate, sharp):
    verdicts = [gate.judge(cv2.GaussianBlur(sharp, (0, 0), sigma), place()) for sigma in np.linspace(0.5, 4, 15)]
    assert [v.reason == "defocused" for v in verdicts] == [v.focus < 0.6 for v in verdicts]
    for low, high in ((0.4, 0.6), (0.6, 0.8)):
        assert any(low < v.focus < high for v in verdicts)


@pytest.mark.parametrize(
    ("step", "motion", "reason"),
    [(0.0035, "still", None), (0.0045, "moving", None), (0.019, "moving", None), (0.021, "moving", "moving")],
)
def test_a_view_is_still_below_a_250th_of_its_width_and_too_fast_above_a_50th(gate, sharp, step, motion, reason):
    verdict = gate.judge(sharp, place(step * sharp.shape[1]))
    assert (verdict.motion, verdict.reason) == (motion, reason)


@pytest.mark.parametrize(("burnt", "light"), [(0.5, "good"), (0.7, "too bright")])
def test_half_of_a_frame_may_be_burnt_white_and_not_two_thirds(gate, sharp, burnt, light):
    bgr = sharp.copy()
    bgr[:, : int(burnt * bgr.shape[1])] = 255
    assert gate.judge(bgr, place()).light == light


def test_the_reference_stays_that_of_the_sharpest_frames_while_most_are_softer(gate, sharp):
    softer = cv2.GaussianBlur(sharp, (0, 0), 1.2)
    verdicts = [gate.judge(softer, place()) for _ in range(2 * FIRST)]
    assert verdicts[-1].focus == pytest.approx(verdicts[0].focus) and verdicts[-1].focus < 0.9
