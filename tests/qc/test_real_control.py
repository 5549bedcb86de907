"""A control of real photographs: fields of BCCD whose one white cell has a box and a name."""

import json
import random
import shutil

import cv2
import pytest
from qc_control import DAMAGE

from leuko_edge.cli.main import main
from leuko_edge.qc import control as controls
from leuko_edge.qc.control import Control, KnownCell
from leuko_train.data import readers

pytestmark = pytest.mark.realdata

FIELDS = 26


@pytest.fixture(scope="module")
def real(data, tmp_path_factory):
    """The folder, learnt."""
    folder = tmp_path_factory.mktemp("bccd") / "control"
    folder.mkdir()
    fields = random.Random(3).sample([item for item in readers.bccd(data) if item.label], FIELDS)
    cells = []
    for item in fields:
        shutil.copy(item.path, folder)
        (box,) = (box for box in item.boxes if box.kind == "wbc")
        cells.append(KnownCell(item.path.name, *box.centre, item.label))
    controls.save(Control("BCCD", tuple(cells)), str(folder / controls.FILE))
    assert main(["qc", "--learn", str(folder)]) == 0
    return folder


def other_day(real, tmp_path, damage):
    """(exit code, codes that failed) of the control's photographs of another day."""
    today = tmp_path / "today"
    today.mkdir()
    for file in real.glob("*.jpg"):
        cv2.imwrite(str(today / file.name), DAMAGE[damage](cv2.imread(str(file))), [cv2.IMWRITE_JPEG_QUALITY, 95])
    words = ["--database", str(tmp_path / "s.sqlite3"), "--json", str(tmp_path / "report.json")]
    code = main(["qc", "--control", str(real), "--image", str(today), *words])
    report = json.loads((tmp_path / "report.json").read_text())
    return code, {finding["code"] for finding in report["findings"] if finding["fails"]}


def test_the_photographs_as_they_were_pass_stored_once_more_as_jpeg(real, tmp_path):
    assert other_day(real, tmp_path, "as it was") == (0, set())


@pytest.mark.parametrize(
    ("damage", "code"), [("dimmed", "dark"), ("blurred", "blurred"), ("blue-shifted", "background_bluer")]
)
def test_what_was_done_to_them_fails_with_its_code(real, tmp_path, damage, code):
    exit_code, codes = other_day(real, tmp_path, damage)
    assert exit_code == 4 and code in codes
    assert damage != "dimmed" or codes == {code}  # a dimmer lamp alone changes no cell
