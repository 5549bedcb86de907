"""`leuko-edge bench`: what is measured is real, and what is printed is what was measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT
from rich.console import Console
from tiny import TINY

from leuko_edge.bench import memory, report
from leuko_edge.bench.cells import numbers_of_threads, time_cells
from leuko_edge.bench.live import time_counting
from leuko_edge.bench.photos import SIZES, time_photos
from leuko_edge.bench.spread import Spread
from leuko_edge.bench.tour import Tour, jpeg
from leuko_edge.model.classify import Classifier, FixedClassifier
from leuko_edge.pipeline import Pipeline
from leuko_edge.simulate import draw_field


@pytest.fixture(scope="module")
def still() -> list[bytes]:
    """A camera that rests: the same drawn field, each time with its own noise."""
    bgr = draw_field(np.random.default_rng(1), width=640, height=480, cells=["neutrophil", "lymphocyte"]).bgr
    rng = np.random.default_rng(2)
    return [jpeg(np.clip(bgr + rng.normal(0, 1, bgr.shape), 0, 255).astype(np.uint8)) for _ in range(8)]


def test_a_spread_is_the_middle_and_where_nine_in_ten_lie():
    assert Spread.of(range(101)) == (50, 10, 90, 101)
    assert Spread.of([7.0]) == (7.0, 7.0, 7.0, 1)
    with pytest.raises(ValueError, match="nothing was measured"):
        Spread.of([])


def test_the_network_is_timed_with_every_number_of_threads_and_both_batches():
    found = time_cells(str(TINY), 0.01)
    assert [(way.threads, way.batch) for way in found] == [(n, b) for n in numbers_of_threads() for b in (1, 8)]
    assert numbers_of_threads()[0] == 1 and numbers_of_threads()[-1] == os.cpu_count()
    assert all(way.ms.runs >= 5 and 0 < way.ms.low <= way.ms.median <= way.ms.high for way in found)


def test_a_tour_goes_there_and_back_and_says_what_its_decoding_took(still):
    decoding: list[float] = []
    with Tour(still[:3], decoding) as tour:
        frames = list(tour)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4] and len(decoding) == 5
    assert np.array_equal(frames[1].bgr, frames[3].bgr) and not np.array_equal(frames[0].bgr, frames[1].bgr)


def test_counting_is_timed_whole_and_by_stages_and_really_counts(still, tmp_path):
    began = time.monotonic()
    found = time_counting(still, str(TINY), 1, 0.0, str(tmp_path))
    took = time.monotonic() - began
    assert found.tours == 1 and found.frames == 15 and found.counted + sum(found.skipped.values()) == 15
    assert found.counted >= 8 and found.cells == 2  # each once, however often it is seen
    assert {"registration", "gate", "light and scale", "segment", "crop", "classify", "store"} <= set(found.stages)
    assert 15 / took < found.per_second  # drawing, opening and decoding are not in it
    a_frame = 1000 / found.per_second
    assert sum(mean for _, mean in found.stages.values()) <= a_frame * 1.001
    assert not list(tmp_path.iterdir())  # no session is left behind


def test_photographs_of_two_sizes_are_timed_by_stages():
    found = list(time_photos(FixedClassifier("neutrophil"), 0.0))
    assert tuple(photo.size for photo in found) == SIZES
    for photo in found:
        assert photo.found == 2 and photo.whole.runs >= 5
        assert list(photo.stages) == ["read", "light and scale", "segment", "crop", "classify", "overlap"]
        assert {taken.runs for taken in photo.stages.values()} == {photo.whole.runs}
        assert max(taken.median for taken in photo.stages.values()) < photo.whole.high


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    """The command as it is, on a smaller tour."""
    code = (
        "import sys; from leuko_edge.cli.main import main; from leuko_edge.bench import tour;"
        f"tour.FIELDS, tour.LEUKOCYTES = 1, 2; sys.exit(main({['bench', *words]!r}))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "edge")}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=600)


def test_the_command_measures_this_machine_and_its_table_shows_its_json():
    done = bench("--json", "--seconds", "0.01", "--model", str(TINY))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "leuko-edge-bench/1" and found["model"]["name"] and found["cores"] == os.cpu_count()
    assert found["live"]["frames"] > 5 and found["live"]["peak_rss_mb"] > 20
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    report.show(console, found)
    text = console.export_text()
    assert f"{found['live']['frames_per_second']:.1f} frames a second" in text
    assert f"{found['photographs'][0]['ms']['median']:.1f} (" in text and found["board"] in text


def test_other_programs_heat_and_throttling_are_said_because_figures_then_are_too_slow():
    found = {
        **dict.fromkeys(("board", "machine", "governor", "system", "kernel", "program", "runtime"), "x"),
        **dict.fromkeys(("opencv", "numpy", "python"), "1"),
        "model": {"name": "m", "sha256": "0" * 64},
        **{"cores": 4, "busy_before": 2.5, "celsius_before": 50.0, "celsius_after": 81.0, "throttled": 0x4},
    }
    said = "\n".join(report.heading(found))
    assert "50 °C before, 81 °C after" in said and "throttled now" in said and "2.5 on 4 cores" in said
    calm = report.heading({**found, "busy_before": 0.4, "throttled": 0})
    assert not [line for line in calm if "too slow" in line]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--seconds", "0"], 2, "--seconds"),
        (["--seconds", "nan"], 2, "--seconds"),
        (["--threads", "0"], 2, "--threads"),
        (["--model", "nowhere.tflite"], 4, "There is no model at"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_sentence(words, code, sentence):
    done = bench(*words)
    assert done.returncode == code and sentence in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout


def test_the_memory_of_a_photograph_is_the_most_that_was_held_and_its_cells_are_counted(tmp_path):
    memory.drawn(tmp_path, (1300, 900))
    with Classifier.from_path(str(TINY), 1) as classifier:
        found = memory.measure(tmp_path, (1300, 900), Pipeline(classifier))
    assert found.cells >= 2 and not found.refused and found.peak_mb >= found.before_mb > 0
    assert found.line.startswith("1 megapixels (1300×900): at most ")
