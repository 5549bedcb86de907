import pytest
from qc_control import write

from leuko_edge.qc.drawn import DrawnSlide


@pytest.fixture(scope="session")
def slide():
    return DrawnSlide()


@pytest.fixture(scope="session")
def control(slide, tmp_path_factory):
    """A folder of the control's photographs with its control.json."""
    return write(tmp_path_factory.mktemp("qc") / "control", slide)
