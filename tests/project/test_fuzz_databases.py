"""A few damaged databases of every kind; `python tests/fuzzing/databases.py --n N --seed S` tries more."""

from fuzzing.databases import fuzz


def test_damaged_databases_give_sentences_and_the_service_counts_on():
    told = []
    found = fuzz(12, 7, told.append)
    assert found["tracebacks"] == 0 and found["not counted on"] == 0, told
    assert found["counted on"] == 12 and found["refused"] > 0
