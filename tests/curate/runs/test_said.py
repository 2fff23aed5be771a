"""What commands say where something is wrong, missing or elsewhere: the way out is named, and nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.changing.keys import opened
from curate.commands import main as cli
from curate.commands.vault import vault
from curate.errors import ConfigError, GateError
from curate.example import frame
from curate.inputs.coverage import coverage
from curate.runs.card import data_card
from curate.runs.export import export_dataset
from curate.runs.recipe import read_recipe


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    path = tmp_path / "rows.jsonl"
    said = [{"text": f"where is box {n} of shelf {n * 7919}", "label": f"q{n % 2}"} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in said))
    return path


def recipe_at(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_a_recipe_says_which_workspace_it_took_where_that_is_elsewhere(rows, tmp_path):
    text = '[import]\nfiles = ["{}"]\n\n[scan]\nchecks = ["structure"]\n'
    beside = cli.curate(recipe_at(tmp_path, text.format("rows.jsonl")))
    assert not any(line.startswith("workspace:") for line in beside.lines)
    below = cli.curate(recipe_at(tmp_path / "sub", text.format("../rows.jsonl")))
    assert below.lines[0].startswith(f"workspace: {tmp_path / 'ws'}")
    assert any("0 rounds of applying" in line for line in below.lines)


def test_the_first_rejects_are_shown_where_they_stop_a_recipe(rows, tmp_path):
    with rows.open("a") as file:
        file.write("no json\n" * 7)
    with pytest.raises(GateError) as caught:
        cli.curate(recipe_at(tmp_path, '[import]\nfiles = ["rows.jsonl"]\n'))
    assert "7 rows could not be read: rows.jsonl:41: is not JSON" in caught.value.message
    assert caught.value.message.count("rows.jsonl:") == 5 and caught.value.message.endswith("and 2 more")


def test_settings_of_a_check_in_the_wrong_table_are_shown_the_right_one(tmp_path):
    path = recipe_at(tmp_path, '[import]\nfiles = ["a"]\n\n[scan.pii]\nnames = false\n')
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    assert "[checks.pii]" in caught.value.hint


def test_one_key_for_pseudonyms_and_vault_is_refused(tmp_path):
    key = tmp_path / "my.key"
    answer = vault("key", key)
    assert "never the same for both" in "\n".join(answer.lines)
    kept = str(tmp_path / "a.vault")
    with pytest.raises(ConfigError, match="key of the pseudonyms") as caught:
        opened(style="pseudonym", key_file=str(key), vault=kept, vault_key=str(key))
    assert "seatrial vault key OTHER" in caught.value.hint
    other = tmp_path / "other.key"
    vault("key", other)
    assert opened(style="pseudonym", key_file=str(key), vault=kept, vault_key=str(other))["vault"]
    with pytest.raises(ConfigError, match="No such file") as caught:
        opened(style="pseudonym", key_file=str(key), vault=kept, vault_key=str(tmp_path / "none.key"))
    assert "seatrial vault key FILE" in caught.value.hint


def test_a_failed_export_leaves_no_folders_and_names_the_part(rows, tmp_path):
    cli.import_([str(rows)])
    cli.scan(check=["structure", "pii"])
    cli.split(sizes="50,25,25")
    with pytest.raises(ConfigError) as caught:
        cli.export(to=tmp_path / "new" / "deep", format=["alpaca", "nope"], overwrite=True)
    assert "no export format is called `nope`" in caught.value.message
    assert not (tmp_path / "new").exists()
    examples = frame(
        [
            {"messages": [{"role": "assistant", "content": f"a {n}"}], "split": "train" if n < 8 else "test"}
            | {"example_id": f"e{n}", "source": "a", "source_row": n + 1, "layout": "{}", "meta": "{}"}
            for n in range(10)
        ]
    )
    place = tmp_path / "empty" / "deep"
    with pytest.raises(GateError) as caught:
        export_dataset(examples, place, format="alpaca", name="x")
    assert "8 of 8 rows of the train part cannot be written as alpaca" in caught.value.message
    assert "10 rows in all parts" in caught.value.message
    assert not (tmp_path / "empty").exists()


def test_the_card_has_whole_settings_and_the_whole_command(rows, tmp_path, monkeypatch):
    settings = {"many": [f"word-{n}" for n in range(60)], "nli": "", "last": 1}
    text = data_card(frame([]), name="x", digest="d", command="c", checks={"style": settings})
    assert "word-59" in text and "last 1" in text and "nli" not in text and "…" not in text
    cli.import_([str(rows)])
    cli.scan(check=["structure", "pii"])
    monkeypatch.chdir(tmp_path)
    cli.export(to=Path("out"), format=["trl"])
    card = (tmp_path / "out" / "rows.card.md").read_text()
    assert "seatrial export rows --to out --format trl" in card
    cli.export(to=Path("out"), format=["csv"])  # the same version: its card is no other one


def test_inputs_in_another_language_are_clearly_different():
    def asked(texts: list[str], name: str) -> list[dict[str, object]]:
        return [
            {"example_id": f"{name}{n}", "source": name, "source_row": n + 1}
            | {"messages": [{"role": "user", "content": text}]}
            for n, text in enumerate(texts)
        ]

    english = [
        f"Where is the parcel that I have ordered for the house number {n}, please?" for n in range(60)
    ]
    german = [
        f"Wo ist das Paket, das ich für das Haus mit der Nummer {n} bestellt habe, bitte?" for n in range(60)
    ]
    from curate.inputs.coverage import Limits

    blind = Limits(missing=1.0, auc=1.0)  # so that the languages alone decide
    assert coverage(frame(asked(english, "a")), frame(asked(german, "b")), limits=blind).different
    assert not coverage(frame(asked(english, "a")), frame(asked(english[::2], "b")), limits=blind).different


@pytest.mark.parametrize(
    ("label", "found"),
    [
        *((word, True) for word in ("N/A", "TODO", "???", "nan", "unknown", " ")),
        *((word, False) for word in ("billing", "a?", "none of these", None)),
    ],
)
def test_a_word_where_a_label_is_missing_is_for_review(label, found):
    from curate.checks.structure import Structure

    messages = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "Here."}]
    table = Structure().scan(frame([{"example_id": "a", "messages": messages, "label": label}])).findings
    told = table.filter(label="placeholder-label")
    assert told.height == found
    assert not found or (told["action"].to_list() == ["review"] and not told["blocking"][0])


def test_a_scan_says_one_label_in_several_spellings(rows):
    rows.write_text(rows.read_text().replace('"q1"', '"Q1"', 3))
    cli.import_([str(rows)])
    assert any(
        "one label in several spellings? 'q1' 17, 'Q1' 3" in line
        for line in cli.scan(check=["structure"]).lines
    )
