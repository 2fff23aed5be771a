"""A label set is read strictly, and written so that it reads the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.errors import ConfigError, NotFoundError
from curate.labelling.tasks import FILE, Option, Task, add_task, label_set, lines_of, parsed, task_of
from curate.workspace import Workspace


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('[tasks.a]\nkid = "choice"', "no setting `kid`", "did you mean `kind`?"),
        ('[tasks.a]\nkind = "chioce"', "no kind `chioce`", "did you mean `choice`?"),
        ('[task.a]\nkind = "text"', "no setting `task`", "did you mean `tasks`?"),
        ('[tasks.a]\noptions = ["x"]', "needs 2 to", ""),
        ('[tasks.a]\noptions = ["x", "x"]', "two options have the name `x`", ""),
        ('[tasks.a]\noptions = [{name = "x", key = "q"}, "y"]', "the key `q`", "a key is a digit"),
        ('[tasks.a]\noptions = [{name = "x", kye = "1"}, "y"]', "no setting `kye`", "did you mean `key`?"),
        ('[tasks.a]\nkind = "scale"\nlow = 5\nhigh = 5', "low is below high", ""),
        ('[tasks.a]\nkind = "scale"\noptions = ["x", "y"]', "has no options", "ends of a scale"),
        ('[tasks.a]\nkind = "text"\nlow = "1"', "`low` must be int", ""),
        ('[tasks.a]\nkind = "text"\nretrain = true', "`retrain` must be int", ""),
        ('[tasks.a]\nkind = "text"\ncolumn = "split"', "no column `split`", "meta:NAME"),
        ('[tasks.a]\nkind = "text"\ngold = "label"', "gold is the column that is answered", ""),
        ('[tasks.a]\nkind = "text"\noverlap = 2', "overlap is a share", ""),
        ('[tasks."a b"]\nkind = "text"', "a name is letters", ""),
        ("tasks = 3", "no task in it", ""),
        ("[tasks.a", "labels.toml: ", "TOML"),
        ("", "no task in it", ""),
    ],
)
def test_what_is_wrong_is_told_with_the_nearest_name(text: str, said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert said in caught.value.message and hint in caught.value.hint


def test_options_get_digits_and_those_beyond_ten_none() -> None:
    listed = ", ".join(f'"o{n}"' for n in range(12))
    task = parsed(f'[tasks.a]\noptions = [{{name = "first", key = "2"}}, {listed}]')["a"]
    assert [option.key for option in task.options[:3]] == ["2", "1", "3"]
    assert [option.key for option in task.options].count("") == 3


def test_what_is_written_reads_the_same() -> None:
    said = 'say "\\ it\x7f\n'
    options = (Option("ä", "1", said), Option("b", "2"))
    for task in (
        Task("a", "several", options, said, "meta:x", gold="meta:g", people=("ann", "bo"), overlap=0.25),
        Task("b", "scale", low=0, high=9, column="meta:b"),
        Task("c", "text", column="meta:c", suggest="none", retrain=0),
    ):
        assert parsed("\n".join(lines_of(task)))[task.name] == task


def test_answers_that_fit_and_answers_that_do_not(tasks: dict[str, Task]) -> None:
    assert tasks["tags"].checked(["money", "urgent"]) == ["urgent", "money"]
    assert tasks["tags"].checked([]) == []
    for name, value in (("queue", "elm"), ("queue", ["oak"]), ("tags", "money"), ("mood", 6), ("mood", True),
                        ("mood", "3"), ("line", " "), ("line", 3)):  # fmt: skip
        with pytest.raises(ConfigError):
            tasks[name].checked(value)
    assert tasks["mood"].read("3") == 3 and tasks["mood"].read("3.0") == 3
    assert tasks["mood"].read("many") is None and tasks["queue"].read("elm") is None
    assert tasks["tags"].read('["angry"]') == ["angry"] and tasks["tags"].read("angry, money") == [
        "angry",
        "money",
    ]


def test_a_task_is_added_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text('# ours\n[tasks.a]\nkind = "text"\n', encoding="utf-8")
    add_task(path, Task("b", "scale", column="meta:b"))
    assert path.read_text(encoding="utf-8").startswith('# ours\n[tasks.a]\nkind = "text"\n')
    assert list(parsed(path.read_text(encoding="utf-8"))) == ["a", "b"]
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="has a task b"):
        add_task(path, Task("b", "text"))
    assert path.read_bytes() == before


def test_a_task_is_found_by_name(workspace: Workspace, tasks: dict[str, Task]) -> None:
    assert label_set(workspace) == tasks
    with pytest.raises(ConfigError) as caught:
        task_of(tasks, "quue")
    assert "queue" in caught.value.hint
    with pytest.raises(ConfigError, match="there are 4 tasks"):
        task_of(tasks)
    (workspace.root / FILE).unlink()
    with pytest.raises(NotFoundError):
        label_set(workspace)
