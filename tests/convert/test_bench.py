import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import TINY, TINY_FLOAT, crops_of

from leuko_convert import check
from leuko_convert.bench import files, rounds
from leuko_convert.bench.macs import macs
from leuko_convert.bench.rounds import Candidate
from leuko_edge.errors import UsageError


@pytest.fixture
def pair(tmp_path):
    """The tiny pair under the names that belong together."""
    for source, name in ((TINY, "m-int8"), (TINY_FLOAT, "m-float16")):
        for suffix in (".tflite", ".json"):
            shutil.copy(source.with_suffix(suffix), tmp_path / (name + suffix))
    return tmp_path / "m-int8.tflite"


@pytest.fixture
def crops(tmp_path):
    np.save(tmp_path / "crops.npy", crops_of("monocyte", "platelet"))
    return tmp_path / "crops.npy"


@pytest.fixture(autouse=True)
def quickly(request, monkeypatch):
    """Plain crops in place of drawn cells, which take a second or two."""
    if "drawn" not in request.node.name:
        monkeypatch.setattr(files, "drawn_crops", lambda count, size: np.zeros((count, size, size, 3), np.uint8))


def bench(pair, *words):
    quick = ("--quantized", pair, "--full", pair, "--rounds", "3", "--seconds", "0.001", "--threads", "1")
    return check.main(["--bench", *map(str, quick), *map(str, words)])


def test_the_multiplications_are_those_counted_by_hand():
    assert macs(TINY) == macs(TINY_FLOAT) == 64 * 64 * 3 * 3 + 3 * 9  # a 1×1 convolution and a dense layer


def test_every_network_is_timed_at_every_batch_and_told_as_table_and_json(pair, tmp_path, capsys):
    assert bench(pair, "--batches", 1, 2, "--runtimes", "LiteRT", "--json", tmp_path / "out.json") == 0
    shown = capsys.readouterr().out
    assert "1 thread, 1 cell at once" in shown and "1 thread, 2 cells at once" in shown and "Not measured" not in shown
    found = json.loads((tmp_path / "out.json").read_text())
    rows = found["rows"]
    assert [(r["batch"], r["network"], r["precision"]) for r in rows] == [
        (batch, network, precision)
        for batch in (1, 2)
        for network in ("full", "shipped")
        for precision in ("float", "int8")
    ]
    for row in rows:
        spread = row["ms_a_cell"]
        assert 0 < spread["p25"] <= spread["median"] <= spread["p75"]
        assert row["gmac_s"] == pytest.approx(found["networks"]["full"]["macs"] / spread["median"] / 1e6)
        assert row["megabytes"] == pytest.approx(
            (TINY if row["precision"] == "int8" else TINY_FLOAT).stat().st_size / 1e6
        )
    full = [
        row["times_full_float"]["median"] for row in rows if (row["network"], row["precision"]) == ("full", "float")
    ]
    assert full == [1, 1]
    assert found["machine"]["cores"] >= 1 and len(found["commit"] or 40 * "?") == 40


def test_what_cannot_run_is_a_row_that_says_why(pair, capsys):
    runtimes = ("--runtimes", "LiteRT", "tflite-runtime")
    assert bench(pair, "--batches", 1, *runtimes, "--python", "tflite-runtime=absent/python", "--json", "-") == 0
    out, err = capsys.readouterr()
    reasons = {(row["runtime"], row["precision"]): row["reason"] for row in json.loads(out)["not_measured"]}
    assert reasons["tflite-runtime", "int8"] == "absent/python: No such file or directory"
    assert "Not measured" in err and len(json.loads(out)["rows"]) == 4


def test_a_candidate_that_ends_early_leaves_the_others_their_figures(crops, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3")
    good, bad = (Candidate("full", "int8", "LiteRT", path) for path in (TINY, broken))
    gone = Candidate("full", "int8", "tflite-runtime", TINY)
    timed, failed = rounds.run([bad, good, gone], crops, 1, 4, 0.001, {"tflite-runtime": "/bin/false"})
    assert list(timed) == [good] and len(timed[good].ms) == len(timed[good].cpu_ms) == 4
    assert failed[gone] == "ended with code 1" and failed[bad].startswith("ValueError: ")


def test_peak_memory_is_the_candidates_own(crops):
    ballast = np.ones(60_000_000)  # 480 MB in this process, which forks the candidate
    one = Candidate("full", "int8", "LiteRT", TINY)
    timed, _ = rounds.run([one], crops, 1, 1, 0.001, {})
    assert 10 < timed[one].peak_rss_mb < ballast.nbytes / 1e6


def test_a_runtime_that_is_not_installed_is_named(crops, tmp_path):
    one = Candidate("full", "int8", "LiteRT", TINY)
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.modules[\'ai_edge_litert\'] = None; sys.argv'
                    ' = sys.argv[2:]; exec(open(sys.argv[0]).read())" "$@"\n')  # fmt: skip
    bare.chmod(0o755)
    _, failed = rounds.run([one], crops, 1, 1, 0.001, {"LiteRT": str(bare)})
    assert failed[one].startswith("ai_edge_litert") and failed[one].endswith("is not installed")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rounds", "0"], "must be above 0"),
        (["--batches", "0"], "must be above 0"),
        (["--python", "torch=python"], "a runtime is one of LiteRT"),
        (["--full", "net.tflite"], "should be named NAME-int8.tflite"),
        (["--full", "net-int8.tflite"], "There is no model at net-float16.tflite"),
    ],
)
def test_wrong_usage_is_one_sentence(pair, capsys, words, sentence):
    assert bench(pair, *words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("leuko-check: ") and err.count("\n") == 1 and sentence in err


def test_the_shipped_network_is_the_full_one_where_its_card_says_so(pair):
    raw = json.loads(pair.with_suffix(".json").read_text()) | {"network": files.FULL}
    pair.with_suffix(".json").write_text(json.dumps(raw))
    assert files.pair_of(pair).name == files.FULL
    assert files.pair_of(pair.with_name("m-float16.tflite")).int8 == pair


def test_a_network_that_leuko_train_does_not_build_runs_as_tflite_only(tmp_path):
    pytest.importorskip("tensorflow", reason="needs TensorFlow (leuko-edge[train])")
    one = files.Exports("shipped", files.Pair(TINY_FLOAT, TINY, "nearest colour"), tmp_path, crops_of("monocyte"))
    found, missing = one.of("TensorFlow")
    assert not found and missing[0] == (
        "float",
        "its card names the network 'nearest colour', not one of leuko-train's",
    )


@pytest.fixture
def small(monkeypatch):
    """A network of two layers in place of VGG-16, as Keras has it."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow (leuko-edge[train])")
    import keras

    inputs = keras.Input((64, 64, 3), name="rgb")
    x = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(9, activation="softmax")(x), name="small")
    monkeypatch.setattr(files, "trained_network", lambda *_: model)
    return SimpleNamespace(pair=files.Pair(TINY_FLOAT, TINY, "small"), crops=crops_of("monocyte", "platelet"))


def test_tensorflow_runs_the_float_network_and_no_int8_one(small, crops, tmp_path):
    found, missing = files.Exports("shipped", small.pair, tmp_path, small.crops).of("TensorFlow")
    assert [one.precision for one in found] == ["float"] and missing == [("int8", "Keras has no int8 convolution")]
    timed, failed = rounds.run(found, crops, 1, 2, 0.001, {})
    assert not failed and len(timed[found[0]].ms) == 2


def test_onnx_runtime_runs_both(small, crops, tmp_path):
    for name in ("onnx", "tf2onnx", "onnxruntime"):
        pytest.importorskip(name, reason="needs leuko-edge[train,bench]")
    found, missing = files.Exports("shipped", small.pair, tmp_path, small.crops).of("ONNX Runtime")
    assert [one.precision for one in found] == ["float", "int8"] and not missing
    timed, failed = rounds.run(found, crops, 1, 2, 0.001, {})
    assert not failed and len(timed) == 2


def test_drawn_cells_stand_in_for_photographs():
    rgb = files.drawn_crops(3, 64)
    assert rgb.shape == (3, 64, 64, 3) and rgb.dtype == np.uint8 and rgb.std() > 10


def test_a_name_that_tells_no_twin_is_refused(tmp_path):
    with pytest.raises(UsageError, match="its twin beside it"):
        files.twin_of(tmp_path / "model.tflite")
