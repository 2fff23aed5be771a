"""The command line as a whole: help, common flags, unknown words, exit codes."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import time
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import pytest

from curate.answer import Answer
from curate.errors import ConfigError, GateError
from tui import cli

HEAVY = {"polars", "torch", "textual", "transformers", "presidio_analyzer", "sklearn", "numpy", "rich"}


def modules_after(words: list[str]) -> set[str]:
    """Names of all modules that are loaded once the command line has been answered."""
    code = f"import sys\nfrom tui.cli import main\nmain({words!r})\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["no-such-command"], ["scan", "--help"]])
def test_words_alone_load_nothing_heavy(words: list[str]) -> None:
    """Asking what the program can do costs no library."""
    assert not HEAVY & modules_after(words)


def test_help_fits_one_screen() -> None:
    """At most 24 lines of at most 80 columns, and every command is in it."""
    lines = cli.help_lines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for name in cli.COMMANDS:
        assert any(name in line.split() for line in lines), name


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_exists_and_says_what_it_does(name: str) -> None:
    """The table's names resolve, and each function has a docstring for its own --help."""
    command = cli.COMMANDS[name]
    assert getdoc(getattr(import_module(command.module), command.function))


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`seatrial COMMAND --help` prints usage and exits 0."""
    assert cli.main([name, "--help"]) == 0
    assert f"seatrial {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_stands_in_the_documents(name: str) -> None:
    """README or docs/ tell of each command."""
    root = Path(cli.__file__).parents[1]
    texts = [path.read_text(encoding="utf-8") for path in (root / "README.md", *(root / "docs").glob("*.md"))]
    assert any(f"seatrial {name}" in text for text in texts)


def test_a_misspelt_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a hint."""
    assert cli.main(["improt"]) == 2
    assert "seatrial import" in capsys.readouterr().err


def test_a_misspelt_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, in words, without a traceback."""
    assert cli.main(["log", "--no-such-option"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_common_flags_stand_anywhere() -> None:
    """--json and --workspace are taken out before or after the command, but not after `--`."""
    assert cli.common(["--json", "log", "--workspace", "w"]) == (["log"], True, "w")
    assert cli.common(["log", "--workspace=w x", "--", "--json"]) == (["log", "--", "--json"], False, "w x")
    with pytest.raises(ConfigError):
        cli.common(["log", "--workspace"])


def answering(monkeypatch: pytest.MonkeyPatch, answer: Answer | Exception) -> None:
    """Let the command `log` give this answer or raise this error."""

    def log() -> Answer:
        """Do nothing."""
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("curate.commands.main.log", log)


def test_json_prints_the_data_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout is one JSON object, and the exit code is the answer's."""
    answering(monkeypatch, Answer(["for people"], {"n": 1}, exit_code=1))
    assert cli.main(["log", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"n": 1}


def test_errors_become_words_and_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What and hint on stderr, nothing on stdout."""
    answering(monkeypatch, GateError("3 leaks are open", hint="seatrial review"))
    assert cli.main(["log"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "3 leaks are open" in err
    assert "hint: seatrial review" in err


def test_text_from_data_cannot_act_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escapes in a line of an answer are shown, not sent."""
    answering(monkeypatch, Answer(["title \x1b]0;owned\x07"], {}))
    assert cli.main(["log"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_the_command_works_beside_the_users_own_packages(tmp_path: Path) -> None:
    """A folder with the user's own train.py, tests/ and tui/ does not get in the way."""
    (tmp_path / "train.py").write_text("raise SystemExit('the user script ran')\n")
    for name in ("tests", "tui", "curate"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the user package ran')\n")
    seatrial = Path(sys.executable).parent / "seatrial"
    for words in ([str(seatrial)], [sys.executable, "-P", "-m", "tui"]):
        done = subprocess.run(
            [*words, "train", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "seatrial train" in done.stdout


def test_an_interrupt_is_130_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C within a command never reads as success."""

    def log() -> Answer:
        """Be interrupted."""
        raise KeyboardInterrupt

    monkeypatch.setattr("curate.commands.main.log", log)
    assert cli.main(["log"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_real_interrupt_ends_with_130(tmp_path: Path) -> None:
    """A child that is sent SIGINT in the midst of an import says so and exits 130."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(json.dumps({"prompt": f"q {n}", "completion": f"a {n}"}) + "\n" for n in range(60_000))
    )
    words = [sys.executable, "-P", "-m", "tui", "import", str(rows), "--workspace", str(tmp_path / "w")]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ledger = tmp_path / "w" / "ledger.db"
    while not ledger.is_file() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err


def test_an_answer_of_no_stays_no_when_the_reader_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """`seatrial verdict | true` does not turn into success."""
    answering(monkeypatch, Answer(["no"], {}, exit_code=1))

    def gone(texts: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(cli.render, "lines", gone)
    monkeypatch.setattr(cli.os, "dup2", lambda *numbers: None)
    assert cli.main(["log"]) == 1
    assert cli.main(["--help"]) == cli.main(["--version"]) == 0


@pytest.mark.parametrize("command", ["log", "review"])
def test_a_number_that_no_table_takes_is_a_usage_error(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is opened before."""
    assert cli.main([command, "--limit", "9" * 20]) == 2
    assert "'--limit'" in capsys.readouterr().err


def test_a_folder_that_is_gone_and_a_standard_input_that_is_closed_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system says neither of which file, nor what to do; of a closed input Python has none."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.delenv("SEATRIAL_HOME", raising=False)
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert cli.main(["log"]) == 3
    assert "the folder that this was called in is gone" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main([]) == 2
    assert "the screens need a terminal" in capsys.readouterr().err


def test_a_full_disk_is_words_and_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An OSError from anywhere is no traceback."""

    def log() -> Answer:
        """Find the disk full."""
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("curate.commands.main.log", log)
    assert cli.main(["log"]) == 3
    assert "No space left" in capsys.readouterr().err


def test_a_lost_ledger_is_not_made_anew_over_artifacts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where artifacts are and the ledger is empty, nothing says that they may be deleted."""
    (tmp_path / "artifacts" / "0123").mkdir(parents=True)
    (tmp_path / "ledger.db").write_bytes(b"")
    assert cli.main(["verify", "--workspace", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "delete nothing" in err


def test_objects_that_stay_are_not_looked_through_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of what a command loads and reads stays: the interpreter's own pace takes a twentieth of a scan."""
    before = gc.get_threshold()
    try:
        gc.set_threshold(700)
        monkeypatch.setattr(cli.render, "lines", list)  # where answers go is this process's own
        assert cli.dispatch(["--version"]) == 0
        assert gc.get_threshold()[0] >= 50_000
    finally:
        gc.set_threshold(*before)
