"""`leuko-edge compare` as a whole: reports, sessions and tables against a laboratory's file."""

from __future__ import annotations

import builtins
import json
from dataclasses import replace

import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell
from pypdf import PdfReader

from leuko_edge.cli.main import main
from leuko_edge.results.report import differential_fields
from leuko_edge.store import SessionStore
from leuko_edge.tally import Differential
from leuko_edge.types import LEUKOCYTES

FIVE = LEUKOCYTES[:5]


def bloods(count: int) -> np.ndarray:
    """(count, 5) true shares of samples from normal to odd."""
    return np.random.default_rng(1).dirichlet((12, 7, 1.5, 1, 0.4), count)


def counted(shares: np.ndarray, cells: int, seed: int) -> list[dict[str, int]]:
    drawn = np.random.default_rng(seed).multinomial(cells, shares)
    return [dict(zip(FIVE, map(int, line), strict=True)) for line in drawn]


def reports(folder, counts: list[dict[str, int]]) -> None:
    folder.mkdir()
    for number, sample in enumerate(counts, 1):
        fields = differential_fields(Differential.from_counts(sample))
        (folder / f"S-{number}.json").write_text(json.dumps({"schema": "leuko-edge/1", "differential": fields}))


def manual(file, counts: list[dict[str, int]], separator: str = ",") -> None:
    lines = [separator.join(["sample", *FIVE])]
    lines += [separator.join([f"s-{n}", *(str(c[label]) for label in FIVE)]) for n, c in enumerate(counts, 1)]
    file.write_text("\n".join(lines) + "\n")


def compared(tmp_path, *more: str) -> tuple[int, dict]:
    out = tmp_path / "compared.json"
    code = main(["compare", *more, "--against", str(tmp_path / "manual.csv"), "--json", str(out)])
    return code, json.loads(out.read_text())


def test_two_counts_of_the_same_blood_agree_in_every_figure(tmp_path, capsys):
    shares = bloods(60)
    reports(tmp_path / "reports", counted(shares, 200, 2))
    manual(tmp_path / "manual.csv", counted(shares, 200, 3))
    code, said = compared(tmp_path, str(tmp_path / "reports"), "--pdf", str(tmp_path / "compared.pdf"))
    pages = [page.extract_text() for page in PdfReader(tmp_path / "compared.pdf").pages]
    assert all(any(f"{label}, 60 samples" in text for text in pages) for label in FIVE)
    assert "60 samples" in pages[0] and "Not a medical device" in pages[0]
    assert (code, said["samples"], said["remarks"]) == (0, 60, [])
    for label in FIVE:
        one = said["classes"][label]
        assert one["bland_altman"]["lower"] < 0 < one["bland_altman"]["upper"]
        assert one["within_counting_error"]["value"] >= 0.9
    neutrophil = said["classes"]["neutrophil"]
    assert neutrophil["passing_bablok"]["identity"] and neutrophil["pearson"] > 0.85
    assert neutrophil["deming"]["error_ratio"] == 1
    shown = capsys.readouterr().out
    assert "60 samples" in shown and "sensitivity" in shown and "Deming" in shown and "Not a medical device" in shown


def test_a_method_that_takes_every_third_monocyte_for_a_lymphocyte_is_found_out(tmp_path):
    shares = bloods(60)
    wrong = counted(shares, 400, 2)
    for sample in wrong:
        lost = sample["monocyte"] // 3
        sample["monocyte"] -= lost
        sample["lymphocyte"] += lost
    reports(tmp_path / "reports", wrong)
    manual(tmp_path / "manual.csv", counted(shares, 400, 3))
    _, said = compared(tmp_path, str(tmp_path / "reports"))
    monocyte = said["classes"]["monocyte"]
    assert monocyte["bland_altman"]["bias_ci"][1] < 0
    assert monocyte["passing_bablok"]["slope_ci"][1] < 1 and monocyte["deming"]["slope"] < 0.8


def test_what_is_missing_double_or_of_no_partner_is_said_and_the_exit_code_tells(tmp_path, capsys):
    counts = counted(bloods(6), 100, 2)
    reports(tmp_path / "reports", counts)
    manual(tmp_path / "manual.csv", counts[:5])
    with (tmp_path / "manual.csv").open("a") as file:
        file.write("S-2,60,30,5,4,1\nX-9,60,30,5,4,1\n")
    (tmp_path / "reports" / "broken.json").write_text("{")
    code, said = compared(tmp_path, str(tmp_path / "reports"))
    assert code == 5 and [pair["sample"] for pair in said["pairs"]] == ["S-1", "S-3", "S-4", "S-5"]
    codes = sorted((remark["code"], remark["line"]) for remark in said["remarks"] if remark["line"])
    assert codes == [("duplicate", 3), ("duplicate", 7), ("unmatched_reference", 8)]
    alone = [remark["code"] for remark in said["remarks"] if not remark["line"]]
    assert sorted(alone) == ["not_a_result", "unmatched_result", "unmatched_result"]
    errors = capsys.readouterr().err
    assert "manual.csv, 7: left out: this sample is there more than once (S-2)" in errors


def test_sessions_are_compared_by_their_sample_without_the_simulated_and_the_open(tmp_path):
    database = tmp_path / "sessions.sqlite3"
    for number, changes in enumerate(({}, {"simulated": True}, {}), 1):
        store = SessionStore.create(database, replace(INFO, sample=f"s-{number}", **changes), START)
        for cell in range(1, 5):
            store.add_cell(new_cell("neutrophil" if cell < 3 else "lymphocyte", cell), ACCOUNTS)
        store.close("closed" if number < 3 else "open", START + 60)
    manual(tmp_path / "manual.csv", counted(bloods(3), 100, 2))
    code, said = compared(tmp_path, str(database))
    assert code == 5 and said["pairs"][0]["sample"] == "s-1" and said["pairs"][0]["result"]["neutrophil"] == 50
    assert {"simulated", "not_finished"} <= {remark["code"] for remark in said["remarks"]}
    listed = tmp_path / "sessions.csv"
    assert main(["sessions", "--database", str(database), "--csv", str(listed)]) == 0
    code, again = compared(tmp_path, str(listed))
    assert code == 5 and again["pairs"] == said["pairs"]
    assert {"simulated", "not_finished"} <= {remark["code"] for remark in again["remarks"]}


def test_the_observers_own_agreement_stands_beside_it(tmp_path):
    shares = bloods(30)
    first, second = counted(shares, 100, 5), counted(shares, 100, 6)
    reports(tmp_path / "reports", counted(shares, 200, 2))
    lines = ["sample;" + ";".join(f"{label} {observer}" for observer in (1, 2) for label in FIVE)]
    for number, (a, b) in enumerate(zip(first, second, strict=True), 1):
        lines.append(f"S-{number};" + ";".join(str(count[label]) for count in (a, b) for label in FIVE))
    (tmp_path / "manual.csv").write_text("\n".join(lines))
    code, said = compared(tmp_path, str(tmp_path / "reports"), "--cells", "100")
    assert code == 0 and said["observers"]["neutrophil"]["n"] == 30
    pair = said["pairs"][0]
    assert pair["reference"]["neutrophil"] == (first[0]["neutrophil"] + second[0]["neutrophil"]) / 2
    assert pair["reference_cells"] == 200


def test_blasts_are_abnormal_where_there_is_one_and_ranges_can_be_given(tmp_path):
    rows = [(60, 40, 0), (58, 40, 2), (90, 10, 0), (60, 39, 1)]
    theirs = [(60, 40, 0), (58, 40, 2), (60, 40, 0), (60, 40, 0)]
    for name, table in (("mine", rows), ("manual", theirs)):
        text = "sample,neut,lymph,blast\n" + "".join(f"a{n},{a},{b},{c}\n" for n, (a, b, c) in enumerate(table))
        (tmp_path / f"{name}.csv").write_text(text)
    _, said = compared(tmp_path, str(tmp_path / "mine.csv"), "--reference", "neutrophil=45-79")
    calls = said["classes"]["blast"]["abnormal"]
    assert [calls[name] for name in ("both", "method_only", "reference_only", "neither")] == [1, 1, 0, 2]
    assert said["classes"]["neutrophil"]["abnormal"]["method_only"] == 1
    assert said["any_abnormal"]["specificity"]["k"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.json"], "cannot be read"),
        (["manual.csv", "--json", "manual.csv"], "that is compared or written"),
        (["manual.csv", "--database", "x.sqlite3"], "were named"),
        (["other.csv"], "no sample is in both"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    manual(tmp_path / "manual.csv", counted(bloods(3), 100, 2))
    (tmp_path / "other.csv").write_text("sample,neut,lymph\nz,60,40\n")
    assert main(["compare", *words, "--against", "manual.csv"]) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_without_scipy_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    imported = builtins.__import__

    def without(name, *rest):
        if name == "scipy":
            raise ImportError(name)
        return imported(name, *rest)

    manual(tmp_path / "manual.csv", counted(bloods(3), 100, 2))
    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["compare", str(tmp_path / "manual.csv"), "--against", str(tmp_path / "manual.csv")]) == 4
    assert "leuko-edge[validation]" in capsys.readouterr().err
