"""What leaves for other programs and for the doctor, read back by libraries that are not ours."""

import contextlib
import json
import socket
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from made_session import ACCOUNTS, INFO, START, new_cell

from leuko_edge.cli.main import main
from leuko_edge.model.card import ModelCard, shipped_model
from leuko_edge.results.codes import BESIDE_CODES, LOINC, PERCENT_CODES
from leuko_edge.results.fhir import bundle
from leuko_edge.results.hl7 import message
from leuko_edge.results.mllp import END
from leuko_edge.results.pdf import certified
from leuko_edge.store import SessionStore
from leuko_edge.store.archive import Archive
from leuko_edge.store.outbox import Outbox
from leuko_edge.store.review import Change, Review
from leuko_edge.types import LEUKOCYTES

LABELS = ("neutrophil",) * 9 + ("lymphocyte", "erythroblast", "unidentified", "blast")


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "s.sqlite3"
    info = replace(INFO, sample="S|17 & Søn", notes="a^note")
    with SessionStore.create(path, info, START) as store:
        store.settings(um_per_px=0.1)
        for number, label in enumerate(LABELS, start=1):
            store.add_cell(new_cell(label, number), ACCOUNTS)
    return path


def record(database):
    with Archive(database) as archive:
        return archive.record(1)


def sign(database, who="Dr. C", at=START + 100):
    review = Review(database)
    review.look(1, list(range(1, 14)), who, at)
    review.sign(1, who, at)
    review.close()


def amended(database):
    sign(database)
    review = Review(database)
    review.amend(1, "the blast was a lymphocyte", "Dr. D", START + 200)
    review.change(1, [Change(13, "blast", "lymphocyte")], "Dr. D", START + 201)
    review.sign(1, "Dr. D", START + 202)
    review.close()


def resources(database, kind):
    return [one["resource"] for one in bundle(record(database))["entry"] if one["resource"]["resourceType"] == kind]


def test_every_leukocyte_has_a_code_and_no_code_stands_for_two():
    assert set(PERCENT_CODES) == set(LEUKOCYTES)
    codes = [code.code for code in (*PERCENT_CODES.values(), *BESIDE_CODES.values())]
    assert len(set(codes)) == len(codes) and not {"26508-2", "770-8"} & set(codes)


def test_the_bundle_is_fhir_by_a_library_that_is_not_ours(database):
    r4b = pytest.importorskip("fhir.resources.R4B")
    sign(database)
    found = r4b.get_fhir_model_class("Bundle").model_validate(bundle(record(database)))
    report = found.entry[0].resource
    assert report.status == "final" and report.performer[0].display == "Dr. C"
    known = {entry.fullUrl for entry in found.entry}
    assert {one.reference for one in report.result} <= known and len(report.result) == len(LEUKOCYTES) + 2


def test_an_observation_says_value_unit_range_interpretation_and_how_it_was_found(database):
    observations = {one["code"]["coding"][0]["code"]: one for one in resources(database, "Observation")}
    neutrophil = observations["23761-0"]
    assert neutrophil["valueQuantity"] == {
        **{"value": 81.8, "unit": "%", "code": "%"},
        "system": "http://unitsofmeasure.org",
    }
    assert neutrophil["code"]["coding"][0]["system"] == LOINC
    assert [neutrophil["referenceRange"][0][limit]["value"] for limit in ("low", "high")] == [40, 60]
    assert neutrophil["interpretation"][0]["coding"][0]["code"] == "IND"  # 48 to 98 %, the range ends at 60
    assert "9 of 11 cells" in neutrophil["note"][0]["text"]
    assert observations["18309-5"]["valueQuantity"]["code"] == "/100{WBC}"
    assert observations["18309-5"]["valueQuantity"]["value"] == 9.1


def test_the_status_is_preliminary_then_final_then_amended(database):
    assert {one["status"] for one in resources(database, "Observation")} == {"preliminary"}
    amended(database)
    report = resources(database, "DiagnosticReport")[0]
    assert report["status"] == "amended" and "the blast was a lymphocyte" in report["conclusion"]
    again = resources(database, "DiagnosticReport")[0]
    assert again == report  # the same names whenever it is exported


def test_the_message_is_hl7_by_a_library_that_is_not_ours(database):
    hl7 = pytest.importorskip("hl7")
    sign(database)
    found = hl7.parse(message(record(database)))
    assert str(found.segment("MSH")[9]) == "ORU^R01" and str(found.segment("MSH")[12]) == "2.3.1"
    assert str(found.segment("MSH")[11]) == "P" and str(found.segment("OBR")[4]) == "00002^Manual Count^99MRC"
    assert found.unescape(str(found.segment("OBR")[3])) == "S|17 & Søn"
    rows = {str(row[3][0][0]): row for row in found.segments("OBX")}
    assert [str(rows["23761-0"][n]) for n in (2, 5, 6, 7, 11)] == ["NM", "81.8", "%", "40-60", "F"]
    assert str(rows["23761-0"][3]).endswith("^LN") and str(rows["immature_granulocyte"][3]).endswith("^99LEU")


def test_a_signed_version_keeps_its_message_number_and_an_amended_one_gets_its_own(database):
    sign(database)
    first = message(record(database))
    assert first == message(record(database))
    review = Review(database)
    review.amend(1, "why", "X", START + 200)
    review.sign(1, "X", START + 201)
    second = message(record(database))
    assert first.split("|")[9] != second.split("|")[9] and "|C|" in second


def test_what_is_being_amended_leaves_neither_as_fhir_nor_as_hl7(database, tmp_path, capsys):
    sign(database)
    review = Review(database)
    review.amend(1, "why", "X", START + 200)
    for option in ("--fhir", "--hl7"):
        assert main(["export", "1", "--database", str(database), option, str(tmp_path / "x")]) == 2
        assert "being amended" in capsys.readouterr().err


@pytest.mark.parametrize("signed", [False, True])
def test_the_pdf_says_what_the_json_says(database, tmp_path, signed):
    pypdf = pytest.importorskip("pypdf")
    pytest.importorskip("fpdf")
    if signed:
        sign(database)
    names = {name: str(tmp_path / f"r.{name}") for name in ("pdf", "json")}
    words = [word for name, file in names.items() for word in (f"--{name}", file)]
    assert main(["export", "1", "--database", str(database), *words]) == 0
    pdf = pypdf.PdfReader(names["pdf"])
    first = " ".join(pdf.pages[0].extract_text().replace("–", "-").split())
    told = json.loads(Path(names["json"]).read_text())
    for label, share in told["differential"]["classes"].items():
        if share["count"]:
            low, high = share["ci95"]
            assert f"{label.replace('_', ' ')} {share['count']} {share['percent']:.1f} {low:.1f} - {high:.1f}" in first
    assert ("Signed by Dr. C" in first) is signed and ("PRELIMINARY" in first) is not signed
    assert "Not a medical device" in first and "S|17 & Søn" in first
    assert len(pdf.pages[1].images) > 0


@contextlib.contextmanager
def lis(*answers):
    """The other side: takes a message for each of `answers`, (code, or "" to hang up); what it got."""
    got: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        for answer in answers:
            connection, _ = server.accept()
            with connection:
                content = b""
                while not content.endswith(END):
                    content += connection.recv(4096)
                got.append(content[1:-2].decode())
                if answer:
                    connection.sendall(f"\x0bMSH|^~\\&|LIS\rMSA|{answer}|1\r\x1c\r".encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}", got
    finally:
        thread.join(5)
        server.close()


def test_the_pdf_gives_the_certificate_of_the_model_that_ships_and_of_no_other():
    card = ModelCard.load(shipped_model().with_suffix(".json"))
    share = f"{card.certificate['agreement']['share']:.2%} of {card.certificate['agreement']['cells']} cells alike"
    assert share in certified(card.sha256) and "largest shift of the differential" in certified(card.sha256)
    assert "not at hand" in certified("0" * 64)


def send(database, place):
    return main(["export", "1", "--database", str(database), "--mllp", place])


def test_a_message_that_is_not_taken_is_kept_and_sent_again(database, capsys):
    sign(database)
    with lis("", "AE", "AA") as (place, got):
        assert send(database, place) == 4 and "is kept" in capsys.readouterr().err
        assert send(database, place) == 4 and "refused" in capsys.readouterr().err
        assert len(Outbox(database).waiting(place)) == 1
        assert send(database, place) == 0
    assert len(got) == 3 and len(set(got)) == 1 and got[0] == message(record(database))
    assert Outbox(database).waiting(place) == ()
    assert send(database, place) == 0  # taken before: nothing is sent, and nobody needs to listen


def test_nobody_at_the_other_end_loses_nothing(database):
    sign(database)
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"
    assert send(database, place) == 4
    assert [one.session for one in Outbox(database).waiting(place)] == [1]


def waiting(capsys, database):
    assert main(["sessions", "--database", str(database), "send", "--list"]) == 0
    return capsys.readouterr().out


def test_what_waits_is_listed_with_its_reason_and_sent_again_by_a_command(database, capsys, monkeypatch):
    sign(database)
    assert waiting(capsys, database) == ""
    monkeypatch.setattr("leuko_edge.results.mllp.SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # it takes connections and never answers
        place = f"127.0.0.1:{hanging.getsockname()[1]}"
        assert send(database, place) == 4
        assert main(["sessions", "send", "--database", str(database)]) == 4
    said = waiting(capsys, database)
    assert said.startswith(f"session 1 version 1\t{place}\t") and "time" in said and said.count("\n") == 1
    with lis("AA") as (open_again, got):
        with contextlib.closing(sqlite3.connect(database)) as connection:  # the other side's port, as it was
            connection.execute("UPDATE outbox SET place = ?", (open_again,))
            connection.commit()
        assert main(["sessions", "send", "--database", str(database)]) == 0
        assert "took 1 message" in capsys.readouterr().err
    assert got == [message(record(database))] and waiting(capsys, database) == ""
    assert main(["sessions", "send", "--database", str(database)]) == 0  # nothing waits: nobody needs to listen
    assert main(["sessions", "send", "--database", str(database.parent / "none")]) == 2


def test_only_a_signed_result_is_sent(database, capsys):
    assert send(database, "127.0.0.1:1") == 2 and "not signed" in capsys.readouterr().err
    assert send(database, "nowhere") == 2
