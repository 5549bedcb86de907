import pytest

pytest.importorskip("tensorflow")
from leuko_edge.errors import EnvironmentBroken
from leuko_train.training import devices


def test_more_devices_than_there_are_is_one_sentence():
    with pytest.raises(EnvironmentBroken, match="--devices 999 asks for more than the"):
        devices.scope(999)


def test_one_device_needs_no_distribution():
    with devices.scope(1) as distribution:
        assert distribution is None
