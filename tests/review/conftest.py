import pytest
from reviewing import copied, counted


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    return counted(tmp_path_factory.mktemp("counted"))


@pytest.fixture
def database(once, tmp_path):
    """One closed session of two photographs, its six cells named as `reviewing.LABELS`."""
    return copied(once, tmp_path)
