"""What is wrong and what to do about it are two values of an error; no cure stands inside the sentence of the first."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREES = {
    path: ast.parse(path.read_text())
    for folder in ("edge/leuko_edge", "train/leuko_train", "convert/leuko_convert")
    for path in (ROOT / folder).rglob("*.py")
}


def called(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def errors() -> set[str]:
    """LeukoError and all classes below it, by name."""
    classes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known, before = {"LeukoError"}, 0
    while len(known) > before:
        before = len(known)
        known |= {each.name for each in classes if known & {called(base) for base in each.bases}}
    return known


def literal(node: ast.expr) -> str:
    """The words of a sentence, without what is filled in: "" of a sentence that is made elsewhere."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


@pytest.mark.parametrize("package", ["leuko_edge", "leuko_train", "leuko_convert"])
def test_no_error_tells_what_to_do_in_the_sentence_of_what_was_found(package):
    known = errors()
    assert {"UsageError", "PictureError", "StoreFull"} <= known
    mixed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in TREES.items()
        if package in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node.func) in known and node.args and "; " in literal(node.args[0])
    ]
    assert mixed == []
