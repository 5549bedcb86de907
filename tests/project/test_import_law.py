import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

EDGE = Path(__file__).resolve().parents[2] / "edge"
MODULES = sorted((EDGE / "leuko_edge").rglob("*.py"))
PAGES = [path for path in MODULES if path.parent.name == "review"]
"""The room of the web extra, which nothing loads where that is not installed."""
FORBIDDEN = {"leuko_train", "leuko_convert", "tensorflow", "keras", "picamera2", "fastapi", "starlette", "flask"}


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of every absolute import, wherever in the module it stands."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def relative(tree: ast.AST) -> set[str]:
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level}


def in_a_fresh_python(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(EDGE), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize("path", [path for path in MODULES if path not in PAGES], ids=lambda path: path.stem)
def test_no_edge_module_names_what_does_not_run_on_the_device(path):
    assert not imported(ast.parse(path.read_text())) & FORBIDDEN


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_pages_name_no_more_than_their_own_extra(path):
    assert imported(ast.parse(path.read_text())) & FORBIDDEN <= {"starlette"}


def test_the_law_sees_an_import_wherever_it_stands():
    assert imported(
        ast.parse("def f():\n  import tensorflow.keras\nfrom leuko_train.training.fit import x")
    ) & FORBIDDEN == {
        "tensorflow",
        "leuko_train",
    }


def test_importing_all_of_the_edge_loads_nothing_forbidden():
    names = [
        ".".join(path.relative_to(EDGE).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path not in PAGES
    ]
    names = [name for name in names if not name.endswith("__main__")]
    loaded = in_a_fresh_python(f"import sys\nimport {', '.join(names)}\nprint(*sys.modules)")
    assert "leuko_edge.pipeline" in loaded
    assert not {name.split(".")[0] for name in loaded} & FORBIDDEN


def test_the_command_line_loads_nothing_heavy_until_it_counts():
    loaded = in_a_fresh_python(
        "import sys\nimport leuko_edge.cli.main\nleuko_edge.cli.main.parse(['--demo'])\nprint(*sys.modules)"
    )
    assert not {name.split(".")[0] for name in loaded} & {"numpy", "cv2", "rich", "ai_edge_litert"}


def test_nobody_imports_upward():
    """The layers contract of pyproject.toml, as `lint-imports` reads it."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"],
        cwd=EDGE.parent,
        env={
            "PYTHONPATH": os.pathsep.join(str(EDGE.parent / name) for name in ("edge", "train", "convert")),
            "PATH": "",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["types", "errors"])
def test_types_and_errors_import_nothing_local(name):
    tree = ast.parse((EDGE / "leuko_edge" / f"{name}.py").read_text())
    assert not relative(tree) and "leuko_edge" not in imported(tree)


def test_only_the_command_line_constructs_and_only_the_two_loops_join_stages():
    stages = {"vision.field", "vision.segment", "vision.crop"}
    joins = {path.stem for path in MODULES if stages <= {m.lstrip(".") for m in relative(ast.parse(path.read_text()))}}
    # Of photographs, of a live camera, of one cell that a person points at, and of pictures that a laboratory named.
    assert joins == {"pipeline", "cell_counter", "missed", "named_cells"}
    constructs = {path for path in MODULES if {"model.classify", "pipeline"} <= relative(ast.parse(path.read_text()))}
    assert {path.parent.name for path in constructs} == {"cli"}


def test_importing_the_package_loads_none_of_its_rooms():
    loaded = in_a_fresh_python("import sys\nimport leuko_edge\nprint(*sys.modules)")
    assert [name for name in loaded if name.startswith("leuko_edge")] == ["leuko_edge"] and "numpy" not in loaded
