"""What native code writes by itself is caught, also in the middle of itself, and the terminal is as it was."""

import os

import pytest

from leuko_edge.native_stderr import captured


def test_what_is_written_to_standard_error_is_in_the_list_and_not_on_the_terminal(capfd):
    with captured() as said:
        os.write(2, b"native\n")
    os.write(2, b"after\n")
    assert (said, capfd.readouterr().err) == ([b"native\n"], "after\n")


def test_it_is_there_also_after_an_exception(capfd):
    with pytest.raises(ZeroDivisionError), captured(1, 2) as said:
        os.write(1, b"out ")
        os.write(2, b"err")
        raise ZeroDivisionError
    assert (said, capfd.readouterr()) == ([b"out err"], ("", ""))


def test_one_within_another_takes_its_own(capfd):
    with captured() as outer:
        os.write(2, b"a")
        with captured() as inner:
            os.write(2, b"b")
        os.write(2, b"c")
    assert (outer, inner, capfd.readouterr().err) == ([b"ac"], [b"b"], "")


def test_of_very_much_the_beginning_and_the_end_are_kept():
    with captured() as said:
        os.write(2, b"first")
        for _ in range(50):
            os.write(2, bytes(1 << 16))
        os.write(2, b"last")
    assert said[0].startswith(b"first") and said[0].endswith(b"last") and len(said[0]) <= 2 << 20
