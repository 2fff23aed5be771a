"""Files out: what came in comes out, in each trainer's form, all or nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import ConfigError, GateError, ResourceError
from curate.formats.tables import guarded, unguarded
from curate.intake.sources import read_source
from curate.runs.export import FORMATS, Written, _drafts, export_dataset
from curate.workspace.store import folder_digest

Row = dict[str, Any]
MESSAGES: list[Row] = [
    {"id": n, "messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}", "weight": 1}], "big": 10**30}
    for n in range(6)
]  # fmt: skip
TOOLS: list[Row] = [
    {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}], "tools": "[]"},
    {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
            {"from": "observation", "value": "r"},
            {"from": "gpt", "value": "a"},
        ],
        "tools": '[{"name": "f"}]',
    },
]
PREFERENCES: list[Row] = [
    {"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}
]  # fmt: skip
KTO: list[Row] = [{"messages": MESSAGES[0]["messages"], "label": False}]


def imported(folder: Path, rows: list[Row], name: str = "rows.json", **more: Any) -> pl.DataFrame:
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(rows) if name.endswith(".json") else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return read_source(path, **more).examples


def split(examples: pl.DataFrame) -> pl.DataFrame:
    names = ["test", "train", "validation", "train", None, "train"]
    return examples.with_columns(split=pl.Series("split", names[: examples.height], dtype=pl.String))


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def names(written: list[Written]) -> dict[str, int]:
    return {item.path.name: item.rows for item in written}


@pytest.mark.parametrize(
    "rows", [MESSAGES, TOOLS, PREFERENCES, KTO, [{"text": "t"}], [{"text": "t", "label": 1, "x": None}]]
)
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_the_original_format_gives_back_what_came(tmp_path: Path, rows: list[Row], name: str) -> None:
    """Equal as JSON values, in the kind of file it came in."""
    written = export_dataset(imported(tmp_path, rows, name), tmp_path / "out", format="original", name="rows")
    assert names(written) == {name: len(rows)}
    back = (
        json.loads(written[0].path.read_text(encoding="utf-8"))
        if name == "rows.json"
        else lines(written[0].path)
    )
    assert json.dumps(back) == json.dumps(rows)


def test_original_parquet_and_nan(tmp_path: Path) -> None:
    """A Parquet file comes back as one, with its types, NaN too."""
    table = pl.DataFrame({"text": ["a", "b"], "label": [1, 2], "x": [float("nan"), 0.5], "tags": [["u"], []]})
    table.write_parquet(tmp_path / "rows.parquet")
    examples = read_source(tmp_path / "rows.parquet").examples
    [written] = export_dataset(examples, tmp_path / "out", format="original", name="rows")
    assert pl.read_parquet(written.path).equals(table)


def test_rows_of_several_containers_come_out_as_jsonl(tmp_path: Path) -> None:
    """Where one kind of file cannot be said, it is JSONL."""
    examples = pl.concat(
        [imported(tmp_path, MESSAGES[:1], "a.json"), imported(tmp_path, MESSAGES[1:2], "b.jsonl")]
    )
    [written] = export_dataset(examples, tmp_path / "out", format="original", name="both")
    assert lines(written.path) == MESSAGES[:2]


def test_one_file_a_split(tmp_path: Path) -> None:
    """Train first, rows without a split in a file of their own; or one file where that is wanted."""
    examples = split(imported(tmp_path, MESSAGES))
    written = export_dataset(examples, tmp_path / "out", format="openai", name="rows")
    assert [(item.path.name, item.rows) for item in written] == [
        ("rows-train.jsonl", 3),
        ("rows-validation.jsonl", 1),
        ("rows-test.jsonl", 1),
        ("rows-unsplit.jsonl", 1),
    ]
    whole = export_dataset(examples, tmp_path / "out", format="openai", name="rows", splits=False)
    assert names(whole) == {"rows.jsonl": 6}


def test_openai_has_messages_and_tool_calls_as_objects(tmp_path: Path) -> None:
    """Each line holds what the API takes and nothing else."""
    [written] = export_dataset(imported(tmp_path, TOOLS), tmp_path, format="openai", name="tools")
    first, second = lines(written.path)
    assert first == {
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    }
    assert second["messages"][1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x": 1}'}
    assert second["messages"][2] == {"role": "tool", "content": "r", "tool_call_id": "call_0"}
    assert second["tools"] == [{"type": "function", "function": {"name": "f"}}]


def test_trl_writes_the_same_rows_as_lines_and_as_a_table(tmp_path: Path) -> None:
    """Both files hold the same rows, and every split's table has the same columns."""
    examples = split(imported(tmp_path, [*TOOLS, *TOOLS[:1]]))
    written = export_dataset(examples, tmp_path / "out", format="trl", name="t")
    tables = [pl.read_parquet(item.path) for item in written if item.path.suffix == ".parquet"]
    assert len({str(table.schema) for table in tables}) == 1
    train = lines(tmp_path / "out" / "t-train.jsonl")
    assert tables[0]["messages"].to_list()[0][1]["tool_calls"] == train[0]["messages"][1]["tool_calls"]
    assert json.loads(tables[0]["tools"][0]) == train[0]["tools"]


def test_axolotl_comes_with_its_configuration(tmp_path: Path) -> None:
    """The YAML names the training and validation files; the test split is not among them."""
    examples = split(imported(tmp_path, MESSAGES))
    export_dataset(examples, tmp_path / "out", format="axolotl", name="rows")
    text = (tmp_path / "out" / "rows.axolotl.yaml").read_text()
    assert 'datasets:\n  - path: "rows-train.jsonl"\n    ds_type: json\n' in text
    assert 'test_datasets:\n  - path: "rows-validation.jsonl"\n' in text
    assert "rows-test" not in text
    export_dataset(imported(tmp_path, PREFERENCES), tmp_path / "dpo", format="axolotl", name="p")
    assert (tmp_path / "dpo" / "p.axolotl.yaml").read_text().startswith("rl: dpo\n")
    assert lines(tmp_path / "dpo" / "p.jsonl")[0]["chosen"] == {"role": "assistant", "content": "a"}
    with pytest.raises(ConfigError, match="KTO"):
        export_dataset(imported(tmp_path, KTO), tmp_path / "kto", format="axolotl", name="k")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (MESSAGES, {"formatting": "sharegpt", "columns": {"messages": "conversations"}}),
        (TOOLS, {"formatting": "sharegpt", "columns": {"messages": "conversations", "tools": "tools"}}),
        (
            PREFERENCES,
            {
                "formatting": "sharegpt",
                "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
                "ranking": True,
            },
        ),
        (KTO, {"formatting": "sharegpt", "columns": {"messages": "conversations", "kto_tag": "label"}}),
        ([{"text": "t"}], {"columns": {"prompt": "text"}}),
    ],
)
def test_llamafactory_has_its_entry(tmp_path: Path, rows: list[Row], expected: Row) -> None:
    """dataset_info.json describes the file, and other people's entries stay."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "dataset_info.json").write_text('{"identity": {"file_name": "identity.json"}}')
    export_dataset(imported(tmp_path, rows), tmp_path / "out", format="llamafactory", name="mine")
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert info == {
        "identity": {"file_name": "identity.json"},
        "mine": {"file_name": "mine.json", **expected},
    }


def test_llamafactory_refuses_what_it_would_pass_over(tmp_path: Path) -> None:
    """Two turns of one side are refused here, since the trainer would leave the row out with a warning."""
    rows = [{"messages": [{"role": role, "content": "x"} for role in ("user", "user", "assistant")]}]
    with pytest.raises(GateError, match="`human` at turn 2"):
        export_dataset(imported(tmp_path, rows), tmp_path / "out", format="llamafactory", name="x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "dataset_info.json").write_text("[]")
    with pytest.raises(ConfigError, match="not a JSON object"):
        export_dataset(imported(tmp_path, MESSAGES), tmp_path / "out", format="llamafactory", name="x")


def test_a_label_task_as_csv_and_back(tmp_path: Path) -> None:
    """Text and label; cells that a spreadsheet would run are made harmless, and read back as they were."""
    texts = ["=1+1", "+x", "-5", "- item", "@me", "'=quoted", 'plain, "so"\nsaid']
    rows = [{"text": text, "label": "a"} for text in texts]
    [written] = export_dataset(imported(tmp_path, rows), tmp_path / "out", format="csv", name="c")
    with written.path.open(newline="", encoding="utf-8") as file:
        cells = [row["text"] for row in csv.DictReader(file)]
    assert cells == ["'=1+1", "'+x", "-5", "'- item", "'@me", "''=quoted", 'plain, "so"\nsaid']
    again = read_source(written.path).examples
    assert [m[0]["content"] for m in again["messages"]] == texts
    [second] = export_dataset(again, tmp_path / "again", format="original", name="c")
    assert second.path.read_bytes() == written.path.read_bytes()


@given(st.text(alphabet="'=+-@\t\r0.5%ea ", max_size=8) | st.text(max_size=8))
def test_the_quote_before_a_formula_can_be_taken_away(cell: str) -> None:
    """No cell is lost or mixed up with another, and none that is written would run."""
    assert unguarded(guarded(cell)) == cell or cell.startswith("'")
    assert unguarded(guarded(unguarded(cell))) == unguarded(cell)
    assert not guarded(cell).startswith(("=", "@", "\t", "\r"))


def test_csv_with_answers_and_a_system_prompt(tmp_path: Path) -> None:
    """Answer and system are columns where some row has them."""
    messages = [{"role": role, "content": role[0]} for role in ("system", "user", "assistant")]
    examples = imported(tmp_path, [{"messages": messages, "queue": "oak"}], label="queue")
    [written] = export_dataset(examples, tmp_path / "out", format="csv", name="c")
    assert written.path.read_text() == "text,label,answer,system\nu,oak,a,s\n"


def test_a_saved_dataset_can_be_loaded_and_imported(tmp_path: Path) -> None:
    """The folder is one that `datasets` loads, with its splits."""
    import datasets

    examples = split(imported(tmp_path, MESSAGES))
    [written] = export_dataset(examples, tmp_path / "out", format="datasets", name="saved")
    loaded = datasets.load_from_disk(str(written.path))
    assert {name: part.num_rows for name, part in loaded.items()} == {
        "train": 3,
        "validation": 1,
        "test": 1,
        "unsplit": 1,
    }
    again = read_source(written.path).examples
    assert again["split"].value_counts().height == 4
    assert again.height == written.rows == 6


def test_our_own_columns_as_parquet(tmp_path: Path) -> None:
    """Parquet holds the examples as they are."""
    examples = imported(tmp_path, MESSAGES)
    [written] = export_dataset(examples, tmp_path / "out", format="parquet", name="p")
    assert pl.read_parquet(written.path).equals(examples)


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ("csv",)])
def test_the_same_bytes_each_time(tmp_path: Path, format: str) -> None:
    """Two exports of the same examples are equal to the byte, and the second changes nothing."""
    examples = split(imported(tmp_path, MESSAGES))
    for folder in ("a", "b", "b"):
        export_dataset(examples, tmp_path / folder, format=format, name="rows")
    assert folder_digest("", tmp_path / "a") == folder_digest("", tmp_path / "b")


def test_rows_that_do_not_fit_stop_the_export(tmp_path: Path) -> None:
    """How many, why and the first of them; and nothing is written."""
    rows = [
        *MESSAGES,
        {"messages": [{"role": "user", "content": "q"}]},
        {"messages": [{"role": "tool", "content": "r"}]},
    ]
    with pytest.raises(GateError, match=r"2 of 8 rows cannot be written as openai") as error:
        export_dataset(imported(tmp_path, rows, "rows.jsonl"), tmp_path / "out", format="openai", name="rows")
    assert "does not end with the assistant's answer: 2, the first is rows.jsonl:7" in error.value.message
    assert not (tmp_path / "out").exists()


def test_rows_of_several_kinds_do_not_make_one_file(tmp_path: Path) -> None:
    """Preferences and conversations are two files for a trainer."""
    examples = pl.concat([imported(tmp_path, MESSAGES), imported(tmp_path, PREFERENCES, "p.json")])
    with pytest.raises(ConfigError, match="6 messages, 1 preference"):
        export_dataset(examples, tmp_path / "out", format="trl", name="x")


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """A file of other content stays, unless told; a folder that is not ours stays in any case."""
    examples = imported(tmp_path / "in", MESSAGES, "rows.jsonl")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "rows.jsonl").write_text("precious\n")
    with pytest.raises(ConfigError, match="with other content"):
        export_dataset(examples, folder, format="openai", name="rows")
    assert (folder / "rows.jsonl").read_text() == "precious\n"
    export_dataset(examples, folder, format="openai", name="rows", overwrite=True)
    assert len(lines(folder / "rows.jsonl")) == 6
    (folder / "saved").mkdir()
    (folder / "saved" / "precious").write_text("x")
    with pytest.raises(ConfigError, match="not a saved dataset"):
        export_dataset(examples, folder, format="datasets", name="saved", overwrite=True)


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a\\b", "a\n"])
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
    with pytest.raises(ConfigError, match="cannot name a file"):
        export_dataset(imported(tmp_path, MESSAGES), tmp_path / "out", format="openai", name=name)


def test_an_unknown_format_names_those_there_are(tmp_path: Path) -> None:
    """The hint lists the formats."""
    with pytest.raises(ConfigError) as error:
        export_dataset(imported(tmp_path, MESSAGES), tmp_path / "out", format="onnx", name="x")
    assert all(name in error.value.hint for name in FORMATS)


def test_an_interrupted_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there stays as it was, and no half file is left."""
    examples = imported(tmp_path / "in", MESSAGES)
    export_dataset(examples.head(2), tmp_path / "out", format="openai", name="rows")
    before = folder_digest("", tmp_path / "out")

    def stop(_: object) -> Row:
        raise KeyboardInterrupt

    monkeypatch.setattr("curate.formats.writers.CONVERT", {"openai": stop})
    with pytest.raises(KeyboardInterrupt):
        export_dataset(examples, tmp_path / "out", format="openai", name="rows", overwrite=True)
    assert folder_digest("", tmp_path / "out") == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rows.jsonl"]


def test_an_edit_is_in_every_format(tmp_path: Path) -> None:
    """What was redacted is in none of the files, whatever the format."""
    rows = [
        {
            "instruction": "mail anna@example.org",
            "input": "see anna@example.org",
            "output": "ok anna@example.org",
        }
    ]
    examples = imported(tmp_path, rows)
    redacted = examples.with_columns(
        messages=pl.col("messages").list.eval(
            pl.element().struct.with_fields(
                pl.field("content").str.replace_all("anna@example.org", "[EMAIL]", literal=True)
            )
        )
    )
    for format in FORMATS:
        if format != "csv":
            export_dataset(redacted, tmp_path / format, format=format, name="rows")
            found = [
                path
                for path in (tmp_path / format).rglob("*")
                if path.is_file() and b"anna@" in path.read_bytes()
            ]
            assert not found
    assert json.loads((tmp_path / "original" / "rows.json").read_text()) == [
        {"instruction": "mail [EMAIL]", "input": "see [EMAIL]", "output": "ok [EMAIL]"}
    ]


def test_what_a_killed_export_left_is_taken_away_and_what_another_writes_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = imported(tmp_path, [{"instruction": "Do it", "output": "Done"}])
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    out = tmp_path / "out"
    left = [out / f"{_drafts()}{process}-x" for process in (gone.pid, os.getpid())]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "rows.jsonl").write_text("{}")
    export_dataset(examples, out, format="original", name="rows")
    assert [folder.exists() for folder in left] == [False, True]

    def not_ours(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    left[0].mkdir()
    monkeypatch.setattr("curate.runs.export.shutil.rmtree", not_ours)
    with pytest.raises(ResourceError, match="not permitted"):
        export_dataset(examples, out, format="original", name="rows")
    assert (out / "rows.json").is_file() or (out / "rows.jsonl").is_file()
