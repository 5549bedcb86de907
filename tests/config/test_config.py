"""What is in force: the layers and their strength, and one sentence with file, line and key for what cannot be used."""

from __future__ import annotations

import os
import pickle
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from leuko_edge.config import Configuration, ConfigurationError, load, loading
from leuko_edge.config.keys import table


class Home:
    """A machine with its own system and user files, and no environment but what is given."""

    def __init__(self, folder: Path) -> None:
        self.system = folder / "etc" / "leuko-edge.toml"
        self.user = folder / "home" / ".config" / "leuko-edge" / "leuko-edge.toml"
        self.named = folder / "named.toml"
        for file in (self.system, self.user):
            file.parent.mkdir(parents=True)
        self.environ = {"HOME": str(folder / "home")}

    def load(self, *args: object, flags: dict[str, object] | None = None, **variables: str) -> Configuration:
        path = str(args[0]) if args else None
        return load(path, {**self.environ, **variables}, flags)

    def says(self, text: str | bytes) -> str:
        """The sentence that a configuration of this text is refused with, without the file's name."""
        self.named.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigurationError) as caught:
            self.load(self.named)
        sentence = str(caught.value)
        assert "\n" not in sentence and sentence.count(str(self.named)) >= 1
        return sentence.replace(str(self.named), "FILE")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    home = Home(tmp_path)
    monkeypatch.setattr(loading, "SYSTEM", str(home.system))
    return home


def test_where_nothing_is_set_the_defaults_are_in_force(home):
    found = home.load()
    assert (found["camera.source"], found["camera.size"], found["camera.fps"]) == ("auto", (1280, 960), 30)
    assert found["reference.neutrophil"] == (40, 60) and found["service.display"] == "auto"
    assert {found[name] for name in table() if name.startswith(("count.", "model.", "session."))} == {None}
    assert {found.origin(name) for name in found} == {"default"} and set(found) == set(table())
    assert [file.read for file in found.files] == [False, False]


def test_each_layer_is_stronger_than_those_before_it(home):
    key, expected = "session.operator", [("default", None)]
    found = [home.load()]
    home.system.write_text('[session]\noperator = "system"')
    found.append(home.load())
    home.user.write_text('# mine\n\nsession.operator = "user"')
    found.append(home.load())
    home.named.write_text('session = {operator = "named"}')
    found.append(home.load(home.named))
    found.append(home.load(home.named, LEUKO_EDGE_SESSION_OPERATOR="variable"))
    found.append(home.load(home.named, LEUKO_EDGE_SESSION_OPERATOR="variable", flags={key: "flag"}))
    expected += [(f"{home.system}:2", "system"), (f"{home.user}:3", "user"), (f"{home.named}:1", "named")]
    expected += [("LEUKO_EDGE_SESSION_OPERATOR", "variable"), ("--operator", "flag")]
    assert [(each.origin(key), each[key]) for each in found] == expected
    assert [file.path for file in found[-1].files] == [str(home.system), str(home.user), str(home.named)]


def test_a_layer_takes_only_the_place_of_what_it_sets(home):
    home.system.write_text("[camera]\nfps = 15\nsize = [640, 480]")
    home.user.write_text("[camera]\nfps = 7.5")
    found = home.load(flags={"camera.size": None})
    assert found["camera.fps"] == 7.5 and found["camera.size"] == (640, 480)


def test_the_users_file_is_where_the_specification_says(home, tmp_path):
    other = tmp_path / "xdg" / "leuko-edge" / "leuko-edge.toml"
    other.parent.mkdir(parents=True)
    other.write_text("count.threads = 3")
    assert home.load(XDG_CONFIG_HOME=str(tmp_path / "xdg"))["count.threads"] == 3
    assert home.load(XDG_CONFIG_HOME="xdg")["count.threads"] is None  # a relative one is to be ignored


@pytest.mark.parametrize("kind", ["file", "variable", "flag"])
@pytest.mark.parametrize(("weak", "strong"), [("target", "precision"), ("precision", "target")])
def test_a_stronger_goal_takes_the_place_of_the_other_one(weak, strong, kind, home):
    home.system.write_text(f"[count]\n{weak} = 50")
    if kind == "file":
        home.user.write_text(f"count.{strong} = 20")
        found = home.load()
    elif kind == "variable":
        found = home.load(**{f"LEUKO_EDGE_COUNT_{strong.upper()}": "20"})
    else:
        found = home.load(flags={f"count.{strong}": 20, f"count.{weak}": None})
    assert (found[f"count.{weak}"], found[f"count.{strong}"]) == (None, 20)
    assert found.origin(f"count.{weak}") == "default"


def test_every_setting_can_be_made_by_its_variable(home):
    texts = {
        **{"camera.source": "/dev/video2", "camera.size": "640x480", "camera.fps": "12.5", "camera.tuning": "/t.json"},
        **{
            "count.precision": "12.5",
            "count.decisions": "eosinophil>5, blast>0",
            "count.um_per_px": "0.1",
            "count.threads": "2",
            "model.path": "m.tflite",
            "model.site": "KLINIK-2",
            "model.trusted_keys": "keys.pem",
        },
        **{"session.database": "~/s.sqlite3", "session.operator": "Dr. Ä", "service.display": "/dev/tty3"},
        **{"review.enabled": "true", "review.host": "0.0.0.0", "review.port": "443", "review.second_signature": "True"},
        **{"review.certificate": "c.pem", "review.key": "k.pem"},
        **{"qc.control": "/srv/control", "qc.max_age": "24", "qc.overdue": "refuse"},
        **{name: "1-2.5" for name in table() if name.startswith("reference.")},
    }
    for name in {*table()} - {"count.target"}:
        variable = table()[name].variable
        found = home.load(**{variable: texts[name]})
        assert found.origin(name) == variable
    found = home.load(**{table()[name].variable: text for name, text in texts.items()})
    assert found["camera.size"] == (640, 480) and found["reference.immature_granulocyte"] == (1, 2.5)
    assert found["session.database"] == os.path.expanduser("~/s.sqlite3") and found["model.path"] == "m.tflite"
    assert home.load(LEUKO_EDGE_COUNT_TARGET="7")["count.target"] == 7
    assert home.load(LEUKO_EDGE_COUNT_TARGET="")["count.target"] is None  # an empty variable is as good as none


def test_a_relative_path_is_meant_from_the_folder_of_its_file(home):
    home.user.write_text('model.path = "models/m.tflite"\ncamera.tuning = "/var/t.json"\ncamera.source = "cam"')
    found = home.load()
    assert found["model.path"] == str(home.user.parent / "models" / "m.tflite")
    assert (found["camera.tuning"], found["camera.source"]) == ("/var/t.json", "cam")
    assert home.load(flags={"model.path": "m.tflite"})["model.path"] == "m.tflite"


def test_a_scale_that_is_set_can_be_given_back_to_the_red_cells(home):
    home.system.write_text("count.um_per_px = 0.05")
    home.user.write_text('count.um_per_px = "auto"')
    assert home.load()["count.um_per_px"] is None and home.load().origin("count.um_per_px") == f"{home.user}:1"
    assert home.load(LEUKO_EDGE_COUNT_UM_PER_PX="0.2")["count.um_per_px"] == 0.2
    assert home.load(LEUKO_EDGE_COUNT_UM_PER_PX="0.2", flags={"count.um_per_px": "auto"})["count.um_per_px"] is None


def test_the_camera_may_be_a_number(home):
    home.system.write_text("camera.source = 2")
    assert home.load()["camera.source"] == "2"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("camera.source", ['""', "-1", "true", '["auto"]', '"a\\nb"']),
        ("camera.size", ["[1280]", "[1280, 960, 3]", '"1280x960"', "[0, 960]", "[1280.5, 960]", "[true, true]"]),
        ("camera.fps", ["0", "inf", "nan", '"30"', "true", "9" * 400]),
        ("camera.tuning", ["1", '""']),
        ("count.target", ["0", "100.0", '"100"', "true", "100001", "[]", "0x" + "f" * 9000]),
        ("count.precision", ["0.5", "101", "nan"]),
        ("count.decisions", ['"blast>0"', "[5]", '["blast"]', '["blast>100"]', '["blasts>5"]', '["platelet>0"]']),
        ("count.um_per_px", ["0", "50", "nan", '"measured"']),
        ("count.threads", ["0", "257", "2.5"]),
        ("model.path", ["false", '"a\\u0000b"']),
        ("session.database", ["2024-01-01", '""']),
        ("session.operator", ["7", '"a\\tb"']),
        ("reference.monocyte", ["[8, 2]", "[2]", '"2-8"', "[-1, 8]", "[2, 101]", "[nan, 5]", "5"]),
        ("service.display", ['"tty1"', "1", '""']),
        ("review.enabled", ["1", '"true"', '"yes"']),
        ("review.port", ["65536", "-1", '"443"']),
        ("qc.overdue", ['"stop"', "true", '""']),
        ("qc.max_age", ["0", "true", '"24"']),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_with_file_line_and_key(key, values, home):
    heading, name = key.split(".")
    for value in values:
        sentence = home.says(f"\n# a comment\n[{heading}]\n\n{name} = {value}\n")
        assert sentence.startswith(f"FILE, line 5: {key}: ") and "needed, got " in sentence and len(sentence) < 250


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("count.target = 0", "FILE, line 1: count.target: "),
        ('[model]\npath = """\n[count]\ntarget = 1\n"""\n[count]\ntarget = 0', "FILE, line 7: count.target: "),
        ("[camera]\nsize = [\n  1, # one\n  2\n]", "FILE, line 2: camera.size: "),
        ("\r\n[ count ] # x\r\n\r\n'target' = 0\r\n", "FILE, line 4: count.target: "),
        ('"count"."target"=0', "FILE, line 1: count.target: "),
        ("\n\ncount = {threads = 2, target = 0}", "FILE, line 3: count.target: "),
        ("[count]\nthreads = 2\n[reference]\n\nmonocyte = [\n\n3,\n\n1]", "FILE, line 5: reference.monocyte: "),
        ("\n[[count]]\ntarget = 5\n[[count]]\ntarget = 6", "FILE, line 2: count is a table; write [count]"),
        ('\ncamera = "auto"', "FILE, line 2: camera is a table; write [camera], and below it source or size or"),
        ("\ufeff[count]\ntarget = 0", "FILE, line 2: count.target: "),
    ],
)
def test_the_line_is_found_however_the_key_is_written(text, start, home):
    assert home.says(text).startswith(start)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[camera]\nsorce = 1", "FILE, line 2: there is no setting camera.sorce; did you mean camera.source?"),
        ("[camra]\nsource = 1", "FILE, line 2: there is no setting camra.source; did you mean camera.source?"),
        ("size = [1, 2]", "FILE, line 1: there is no setting size; did you mean camera.size?"),
        ("[session]\nthreads = 1", "FILE, line 2: there is no setting session.threads; did you mean count.threads?"),
        (
            "[reference]\nimmature = [1, 2]",
            "FILE, line 2: there is no setting reference.immature; did you mean reference.immature_granulocyte?",
        ),
        ("\n[camra]", "FILE, line 2: there is no setting camra; did you mean camera.fps?"),
        ("qqqq = {}", "FILE, line 1: there is no setting qqqq; `leuko-edge config` lists those there are"),
        ('"a\\nb" = 1', 'FILE, line 1: there is no setting "a\\nb"; `leuko-edge config` lists those there are'),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_is_named(text, said, home):
    assert home.says(text) == said


def test_dots_in_texts_and_comments_are_no_depth(home):
    home.user.write_text(
        "# a.b.c.d.e.f.g.h.i.j.k.l\nmodel.path = '/a.b.c.d.e.f.g.h.i.j.k'\nsession.operator = \"a.b.c.d.e.f.g.h.i\""
    )
    assert home.load()["session.operator"] == "a.b.c.d.e.f.g.h.i"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[camera]\nsource = auto\n", "FILE, line 2: source = auto is not TOML (invalid value (at line 2, column 10))"),
        ("[camera\nsource = 1", "FILE, line 1: [camera is not TOML ("),
        ("x = 1\nx = 2", "FILE, line 2: x = 2 is not TOML (cannot overwrite a value"),
        ("[camera]\n\nsize = [1280,\n 960\n\n", "FILE, line 3: size = [1280, is not TOML ("),
        ('a = 1\n[b]\nc = """\nd = 1\n', 'FILE, line 3: c = """ is not TOML ('),
        ("just words", "FILE, line 1: just words is not TOML ("),
        ("x = \x07", 'FILE, line 1: "x = \\u0007" is not TOML ('),
        ("x = " + "[" * 5000 + "]" * 5000, "FILE is nested too deeply"),
        ("a = 1\nb = {" + "c." * 9 + "d = 1}", "FILE, line 2: this key is nested too deeply to be a setting"),
        ("\n" + "a . " * 3000 + "a = 1", "FILE, line 2: this key is nested too deeply to be a setting"),
        ("['" + "a'.'" * 3000 + "a']", "FILE, line 1: this key is nested too deeply to be a setting"),
        ("\n" * 1100, "FILE has too many lines to be a configuration"),
        ('x = """' + "\n" * 9000 + '"""', "FILE has too many lines to be a configuration"),
        ("x = " + "9" * 9000, "FILE, line 1: x = 9999"),
        (b"a = 1\n\nb = '\xe4'", "FILE, line 3: this is not UTF-8; save the file as UTF-8"),
        (b"\x7fELF\x00\xff\xfe", "FILE, line 1: this is not UTF-8"),
        (b"#" * 70_000, "FILE is too large to be a configuration"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(text, start, home):
    assert home.says(text).startswith(start)


def test_two_goals_in_one_place_are_refused(home):
    assert home.says("[count]\ntarget = 100\nprecision = 10") == (
        "count.target (FILE:2) and count.precision (FILE:3) are two goals; keep one"
    )
    with pytest.raises(ConfigurationError, match=r"LEUKO_EDGE_COUNT_TARGET.*LEUKO_EDGE_COUNT_PRECISION.*two goals"):
        home.load(LEUKO_EDGE_COUNT_TARGET="1", LEUKO_EDGE_COUNT_PRECISION="10")


def test_headings_without_settings_are_no_errors(home):
    home.user.write_text("[camera]\n[count]\n# target = 5\n[reference]\n")
    assert {home.load().origin(name) for name in table()} == {"default"}


def test_a_file_that_was_named_must_be_there_and_a_usual_one_need_not(home, tmp_path):
    with pytest.raises(ConfigurationError, match=r"there is no configuration at .*named.toml"):
        home.load(home.named)
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        home.load(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read: "):
        home.load("a\0b")
    home.user.mkdir()
    with pytest.raises(ConfigurationError, match=r"leuko-edge\.toml cannot be read: Is a directory"):
        home.load()
    home.environ["HOME"] = str(home.named)
    home.named.touch()  # a home that is a file holds no configuration
    assert home.load()["camera.source"] == "auto"


def test_a_file_that_may_not_be_read_is_named(home, monkeypatch):
    def refuse(path, mode):  # as root, the permissions themselves would not do
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("leuko_edge.config.files.open", refuse, raising=False)
    with pytest.raises(ConfigurationError, match=rf"{home.system} cannot be read: Permission denied"):
        home.load()


def test_a_variable_that_cannot_be_used_is_named(home):
    for variable, text in (
        ("LEUKO_EDGE_COUNT_TARGET", "many"),
        ("LEUKO_EDGE_CAMERA_SIZE", "[1280, 960]"),
        ("LEUKO_EDGE_REFERENCE_MONOCYTE", "8-2"),
        ("LEUKO_EDGE_COUNT_UM_PER_PX", "nan"),
    ):
        with pytest.raises(ConfigurationError, match=f"^the environment's {variable}: .*needed, got "):
            home.load(**{variable: text})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("LEUKO_EDGE_CAMERA_SORCE", "did you mean LEUKO_EDGE_CAMERA_SOURCE?"),
        ("LEUKO_EDGE_", "`leuko-edge config` lists those there are"),
    ],
)
def test_a_variable_of_ours_that_is_no_setting_is_refused_and_the_nearest_is_named(name, said, home):
    with pytest.raises(ConfigurationError) as caught:
        home.load(**{name: "x", "OTHER": "z"})
    assert str(caught.value) == f"the environment's {name} is no setting; {said}"


def test_a_flag_that_cannot_be_used_is_named(home):
    with pytest.raises(ConfigurationError, match=r"^--model: a path is needed"):
        home.load(flags={"model.path": ""})
    with pytest.raises(KeyError):
        home.load(flags={"no.setting": 1})


def test_the_rooms_get_every_setting_with_its_type(home):
    home.system.write_text("[camera]\nsize = [640, 480]\n[reference]\nmonocyte = [1, 9]\n[count]\nprecision = 12")
    found = home.load(LEUKO_EDGE_MODEL_PATH="m.tflite")
    settings = found.typed()
    named = {
        f"{room.name}.{one.name}": getattr(getattr(settings, room.name), one.name)
        for room in fields(settings)
        if room.name != "reference"
        for one in fields(getattr(settings, room.name))
    }
    assert named == {name: found[name] for name in table() if not name.startswith("reference.")}
    assert settings.camera.size == (640, 480) and settings.reference["monocyte"] == (1, 9)
    assert set(settings.reference) == {name.split(".")[1] for name in table() if name[:4] == "refe" and found[name]}
    assert pickle.loads(pickle.dumps(settings)) == settings  # doctor reads it in a process of its own
    with pytest.raises(FrozenInstanceError):
        settings.camera.fps = 5


def test_a_name_that_is_no_setting_is_a_mistake_of_the_program(home):
    with pytest.raises(KeyError):
        home.load()["camera.sorce"]
