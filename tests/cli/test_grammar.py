"""A wrong command line is one sentence that says what to do, and exit 2."""

from __future__ import annotations

import pytest

from leuko_edge.cli.main import main


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sesions", "there is no command 'sesions'; did you mean sessions?"),
        ("zzz", "there is no command 'zzz'; see leuko-edge --help"),
        ("--imag a", "there is no option --imag; did you mean --image?"),
        ("--camera=auto --traget=5", "there is no option --traget; did you mean --target?"),
        ("--zzz", "there is no option --zzz; see leuko-edge --help"),
        ("export 1 --jsn x", "there is no option --jsn; did you mean --json?"),
        ("camera lst", "there is no 'lst' here; did you mean list?"),
        ("camera zzz", "there is no 'zzz' here; take list or tune"),
        ("doctor 3", "'3' goes with no option; see leuko-edge --help"),
        ("--image a --target 0", "--target: a whole number from 1 to 100000 is needed, got 0"),
        ("export nine", 'ID: a whole number from 1 to 2147483647 is needed, got "nine"'),
        ("--image", "--image: expected at least one argument"),
        ("camera tune --frames 1", "--frames: 2 to 200 frames make a flat field, got 1"),
    ],
)
def test_a_wrong_word_is_one_sentence_with_what_was_probably_meant(line, said, capsys):
    assert main(line.split()) == 2
    assert capsys.readouterr() == ("", f"leuko-edge: {said}\n")


def test_a_picture_without_its_option_is_told_how_it_is_counted(tmp_path, capsys):
    picture = tmp_path / "a.png"
    picture.touch()
    assert main([str(picture)]) == 2
    assert (
        capsys.readouterr().err
        == f"leuko-edge: {picture} goes with no option; to count it: leuko-edge --image {picture}\n"
    )


@pytest.mark.parametrize("line", ["--help", "sessions --help", "camera tune --help"])
def test_help_is_printed_and_no_error(line, capsys):
    assert main(line.split()) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: leuko-edge") and err == ""
