"""Each command as the shell calls it: words, data, exit codes, and the next step in the last line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from curate.answer import Answer
from curate.commands import main as cli
from curate.errors import ConfigError, GateError, NotFoundError, WorkspaceError
from curate.workspace import Workspace

CHECKS = ["structure", "exact-duplicate", "pii", "contradiction", "leak"]


def chat(question: str, answer: str, **more: object) -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns, **more})


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """60 distinct tickets, two copies, one contradiction, one row without an answer, one broken line."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setenv("SEATRIAL_REVIEWER", "ana")
    lines = [
        chat(
            f"where is my parcel {n * 7919} it was sent {n} days ago",
            f"q{n % 2}: we look",
            queue=f"q{n % 2}",
            who=f"c{n // 2}",
        )
        for n in range(60)
    ]
    lines += [lines[0], lines[1]]
    lines.append(chat("where is my parcel 15838 it was sent 2 days ago", "q1: other", queue="q1", who="c1"))
    lines.append(json.dumps({"messages": [{"role": "user", "content": "hello out there"}], "queue": "q0"}))
    lines.append("{broken")
    path = tmp_path / "tickets.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def imported(tickets: Path) -> Answer:
    return cli.import_([str(tickets)], label="queue", group="who")


def scanned(tickets: Path) -> Answer:
    imported(tickets)
    return cli.scan(check=CHECKS)


def checked(answer: Answer) -> Answer:
    """Every answer suggests the next step, and its data is JSON."""
    assert answer.lines[-1].startswith("next: ")
    json.dumps(answer.data)
    return answer


def test_import_says_the_format_the_rows_and_the_rejects(tickets: Path):
    answer = checked(imported(tickets))
    assert answer.exit_code == 1
    assert (answer.data["rows"], answer.data["rejected"]) == (64, 1)
    assert any("tickets.jsonl:65" in line for line in answer.lines)
    assert "format: messages" in answer.lines[1]
    again = checked(imported(tickets))
    assert again.data["recorded"] and again.data["dataset"] == answer.data["dataset"]
    assert not cli.import_([str(tickets)], label="queue", group="who", again=True).data["recorded"]


def test_import_writes_the_rejects_and_takes_another_name(tickets: Path, tmp_path: Path):
    place = tmp_path / "rejects.jsonl"
    answer = checked(cli.import_([str(tickets)], name="mine", allow_rejects=True, rejects_to=place))
    assert answer.exit_code == 0 and answer.data["name"] == "mine"
    assert json.loads(place.read_text())["row"] == 65


def test_import_of_several_files_and_of_one_twice(tickets: Path, tmp_path: Path):
    other = tmp_path / "more.jsonl"
    other.write_text(chat("one more", "yes") + "\n")
    assert cli.import_([str(tickets), str(other)]).data["rows"] == 65
    with pytest.raises(Exception, match="same name and rows"):
        cli.import_([str(other), str(other)])
    kinds = [
        (r["kind"], bool(r["error"]))
        for r in Workspace.open().ledger.rows("select kind, error from run join run_end using (run_id)")
    ]
    assert kinds == [("import", False), ("import", True)]


def test_import_maps_roles_and_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps({"messages": [{"role": "user", "content": "q"}, {"role": "bot", "content": "a"}]}) + "\n"
    )
    assert cli.import_([str(path)], role=["bot=assistant"]).data["rejected"] == 0
    for wrong in ("bot", "=x", "bot="):
        with pytest.raises(ConfigError, match="--role"):
            cli.import_([str(path)], role=[wrong])


def test_scan_counts_says_what_it_could_not_look_for_and_exits_1_while_something_blocks(tickets: Path):
    answer = checked(scanned(tickets))
    assert answer.exit_code == 1
    assert answer.data["open"] == 4 and answer.data["blocking"] == 1 and answer.data["safe"] == 3
    assert [each["check"] for each in answer.data["not_run"]] == ["leak", "contradiction (meaning)"]
    assert any("not looked: leak" in line for line in answer.lines)
    assert checked(cli.scan(check=CHECKS)).data["recorded"]


def test_scan_protects_a_file(tickets: Path, tmp_path: Path):
    imported(tickets)
    bench = tmp_path / "bench.jsonl"
    bench.write_text(chat("where is my parcel 7919 it was sent 1 days ago", "x") + "\n")
    answer = cli.scan(check=["leak"], protect=[str(bench)])
    assert [each["check"] for each in answer.data["not_run"]] == ["leak (meaning)"]
    assert answer.data["blocking"] >= 1
    assert {row["label"] for row in answer.data["summary"]} == {"protected"}


def test_review_lists_shown_of_total_and_filters(tickets: Path, tmp_path: Path):
    scanned(tickets)
    answer = checked(cli.review(limit=1))
    assert "1 of 6 findings shown, 6 in all" in answer.lines
    assert checked(cli.review(open=True)).data["fitting"] == 4
    only = checked(cli.review(check="exact-duplicate", label="exact"))
    assert only.data["fitting"] == 4
    place = tmp_path / "found.jsonl"
    cli.review(check="contradiction", export=place)
    row = json.loads(place.read_text())
    assert row["check"] == "contradiction" and isinstance(row["evidence"], dict)


def test_review_decides_and_undoes_by_id(tickets: Path):
    scanned(tickets)
    (bad,) = cli.review(check="structure").data["findings"]
    said = checked(cli.review(check="structure", reject=[bad["finding_id"][:8]], note="fine"))
    assert said.data["decided"] == 1
    assert said.data["findings"][0]["decided"] == "keep" and said.data["findings"][0]["reviewer"] == "ana"
    undone = cli.review(check="structure", undo=[bad["finding_id"]])
    assert undone.data["findings"][0]["decided"] is None
    pair = cli.review(check="contradiction").data["findings"][0]
    with pytest.raises(ConfigError, match="someone must say"):
        cli.review(accept=[pair["finding_id"]])
    taken = cli.review(
        check="contradiction", accept=[pair["finding_id"]], action="drop", side=pair["other_id"][:8]
    )
    assert taken.data["findings"][0]["target"] == pair["other_id"]
    with pytest.raises(NotFoundError):
        cli.review(accept=["ffffffff"])
    with pytest.raises(ConfigError, match="examples start"):
        cli.review(accept=[pair["finding_id"]], action="drop", side="zz")


def test_review_decides_by_filter_only_with_one(tickets: Path):
    scanned(tickets)
    with pytest.raises(ConfigError, match="need a filter"):
        cli.review(accept_all=True)
    with pytest.raises(ConfigError, match="exclude"):
        cli.review(accept_all=True, reject_all=True, open=True)
    assert cli.review(check="contradiction", open=True, reject_all=True).data["decided"] == 1
    assert cli.review(check="structure", accept_all=True).data["findings"][0]["decided"] == "drop"


def test_review_of_a_version_that_was_never_scanned_is_refused(tickets: Path):
    imported(tickets)
    with pytest.raises(ConfigError, match="never scanned"):
        cli.review()
    with pytest.raises(GateError, match="never scanned"):
        cli.apply()


def test_apply_takes_what_is_safe_adds_up_and_moves_the_name(tickets: Path):
    before = imported(tickets).data["dataset"]
    cli.scan(check=CHECKS)
    answer = checked(cli.apply(safe=True))
    assert answer.data["rows_in"] == 64 == answer.data["rows_out"] + answer.data["by_change"]["drop"]
    assert answer.data["rows_out"] == 61 and answer.data["accepted"] == 3 and answer.data["open"] == 1
    workspace = Workspace.open()
    assert workspace.dataset("tickets") == answer.data["dataset"] != before
    assert workspace.dataset(before) == before
    with pytest.raises(ConfigError, match="no style"):
        cli.apply(before, style="burn")


def clean(tickets: Path) -> None:
    scanned(tickets)
    cli.apply(safe=True)
    cli.scan(check=CHECKS)


def test_split_refuses_until_the_gate_is_passed(tickets: Path):
    scanned(tickets)
    with pytest.raises(GateError, match="1 blocking findings are open"):
        cli.split()
    cli.apply(safe=True)
    with pytest.raises(GateError, match="never scanned"):
        cli.split()
    assert checked(cli.split(allow_blocking=True)).exit_code == 0


def test_split_divides_proves_it_and_says_what_chance_would_have_leaked(tickets: Path):
    clean(tickets)
    answer = checked(cli.split(sizes="60,20,20", seed=2))
    report = answer.data["report"]
    assert report["crossing_groups"] == report["crossing_clusters"] == 0
    assert report["random_would_leak"]["group_mates"] > 0
    assert any("a random split would have leaked" in line for line in answer.lines)
    found = cli.review()
    assert found.data["dataset"] == answer.data["dataset"]
    assert found.data["open"] == 1 and found.data["blocking"] == 0  # the contradiction came along
    assert (
        cli.split(answer.data["dataset"], sizes="60,20,20", seed=2).data["dataset"] == answer.data["dataset"]
    )


def test_a_random_split_has_a_name_of_its_own_and_its_leaks_are_found(tickets: Path):
    clean(tickets)
    real = cli.split().data["dataset"]
    answer = checked(cli.split(random=True))
    assert answer.data["name"] == "tickets-random" and answer.data["report"]["random"]
    assert any("for comparison only" in line for line in answer.lines)
    assert Workspace.open().dataset() == real


@pytest.mark.parametrize("sizes", ["70,15", "a,b,c", "0,50,50", "-1,1,1"])
def test_sizes_that_are_none_are_refused(tickets: Path, sizes: str):
    clean(tickets)
    with pytest.raises(ConfigError, match="sizes"):
        cli.split(sizes=sizes)


def test_export_writes_a_file_a_split_and_a_card(tickets: Path, tmp_path: Path):
    clean(tickets)
    cli.split()
    answer = checked(cli.export(to=tmp_path / "out", format=["openai", "original"]))
    files = {
        Path(file["path"]).relative_to(tmp_path / "out").as_posix(): file["rows"]
        for file in answer.data["files"]
    }
    assert files["openai/tickets-test.jsonl"] > 0
    assert sum(rows for name, rows in files.items() if name.startswith("original/")) == 61
    card = (tmp_path / "out" / "tickets.card.md").read_text()
    assert "rows in" in card and "65" in card
    again = cli.export(to=tmp_path / "out", format=["openai", "original"])
    assert again.data["dataset"] == answer.data["dataset"]
    (tmp_path / "out" / "tickets.card.md").write_text("mine")
    with pytest.raises(ConfigError, match="says something else"):
        cli.export(to=tmp_path / "out", format=["openai", "original"])
    assert cli.export(to=tmp_path / "out", format=["openai", "original"], overwrite=True).exit_code == 0


def test_export_stops_at_the_gate(tickets: Path, tmp_path: Path):
    scanned(tickets)
    with pytest.raises(GateError, match="cannot export"):
        cli.export(to=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_log_why_and_verify(tickets: Path):
    clean(tickets)
    runs = checked(cli.log(limit=2))
    assert runs.data["total"] == 4 and "2 of 4 runs shown" in runs.lines
    dropped = checked(cli.why("tickets.jsonl:61"))
    assert any("exact-duplicate" in line for line in dropped.lines)
    assert checked(cli.why("tickets.jsonl:65")).data["example_id"] is None
    whole = checked(cli.verify())
    assert whole.exit_code == 0 and whole.data["damage"] == []
    workspace = Workspace.open()
    (workspace.store.path(workspace.dataset()) / "examples.parquet").unlink()
    broken = checked(cli.verify())
    assert broken.exit_code == 1 and len(broken.data["damage"]) == 1


def test_without_a_workspace_commands_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "none"))
    for command in (cli.scan, cli.review, cli.apply, cli.split, cli.export, cli.log, cli.verify):
        with pytest.raises(WorkspaceError, match="no workspace") as caught:
            command()
        assert "import" in caught.value.hint


def test_the_commands_can_be_named_without_loading_anything_heavy():
    code = "import sys, curate.commands.main; print(*{'polars', 'torch', 'presidio_analyzer', 'textual', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


def test_nothing_redacted_is_left_in_anything_that_comes_after(tickets: Path, tmp_path: Path):
    """One row with an address in its text, its meta and its group, from import to export."""
    mail = "bob.miller@example.com"
    with tickets.open("a") as file:
        file.write(chat(f"please write to {mail} about it", "q0: yes", queue="q0", who=mail) + "\n")
    imported(tickets)
    cli.scan(check=CHECKS)
    cli.apply(safe=True)
    cli.scan(check=CHECKS)
    cli.split()
    answers = [
        cli.export(to=tmp_path / "out", format=["original", "parquet"]),
        cli.log(),
        cli.review(),
        cli.why("tickets.jsonl:66"),
    ]
    assert "EMAIL_ADDRESS" in (tmp_path / "out" / "tickets.card.md").read_text()
    assert mail not in json.dumps([answer.data for answer in answers]) + str(
        [answer.lines for answer in answers]
    )
    workspace = Workspace.open()
    assert mail not in str(workspace.examples(workspace.dataset()).to_dicts())
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or mail.encode() not in path.read_bytes()
    for row in workspace.ledger.rows("select digest, kind from artifact where kind <> 'dataset'"):
        for path in workspace.store.path(row["digest"]).rglob("*.parquet"):
            import polars as pl

            assert row["kind"] == "rejects" or mail not in str(pl.read_parquet(path).to_dicts())


def test_two_names_of_the_same_rows_stay_apart(tmp_path, monkeypatch) -> None:
    """Applying to one name moves that one, though another name means the same rows."""
    from curate.workspace import Workspace

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    rows = tmp_path / "t.jsonl"
    rows.write_text('{"prompt": "Where is box 1?", "completion": "In the hall."}\n' * 3, encoding="utf-8")
    from curate.commands import main as cli

    for name in ("a", "b"):
        cli.import_([str(rows)], name=name)
    before = Workspace.open().dataset("b")
    cli.scan("a", check=["exact-duplicate", "structure"])
    applied = cli.apply("a", safe=True)
    assert applied.data["name"] == "a"
    workspace = Workspace.open()
    assert workspace.dataset("a") == applied.data["dataset"] != before
    assert workspace.dataset("b") == before


def test_two_formats_go_into_one_folder_one_after_the_other(tmp_path, monkeypatch) -> None:
    """The card is the same beside both; a foreign card stops an export before any file is written."""
    import pytest

    from curate.commands import main as cli
    from curate.errors import ConfigError

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    rows = tmp_path / "t.jsonl"
    rows.write_text('{"prompt": "Where is box 1?", "completion": "In the hall."}\n', encoding="utf-8")
    cli.import_([str(rows)])
    for form in ("openai", "alpaca"):
        cli.export("t", to=tmp_path / "out", format=[form], allow_blocking=True)
    endings = sorted(path.suffix for path in (tmp_path / "out").iterdir())
    assert endings == [".json", ".jsonl", ".md"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "t.card.md").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError):
        cli.export("t", to=tmp_path / "other", format=["openai"], allow_blocking=True)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["t.card.md"]


def test_names_that_cannot_be_typed_again_are_refused_or_made_plain(tmp_path, monkeypatch) -> None:
    """A default name is made of the file's; one that was asked for is taken as it is or refused."""
    import pytest

    from curate.commands import main as cli
    from curate.errors import ConfigError

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    rows = tmp_path / "a b\nc.jsonl"
    rows.write_text('{"prompt": "Where is box 1?", "completion": "In the hall."}\n', encoding="utf-8")
    assert cli.import_([str(rows)]).data["name"] == "a-b-c"
    for name in ("../evil", "a b", "x" * 101, "\x1b[31m"):
        with pytest.raises(ConfigError):
            cli.import_([str(rows)], name=name)


def test_a_pipe_is_refused_with_what_to_do(tmp_path, monkeypatch) -> None:
    """It could be read only once; standard input is the way."""
    import os

    import pytest

    from curate.commands import main as cli
    from curate.errors import SourceError

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SourceError, match="only once"):
        cli.import_([str(tmp_path / "fifo")])


def test_a_pair_is_listed_with_both_places_and_labels_and_a_misspelt_check_is_refused(
    tmp_path, monkeypatch
) -> None:
    """What differs can be seen in the list; a typo never reads as nothing found."""
    import pytest

    from curate.commands import main as cli
    from curate.errors import ConfigError

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    rows = tmp_path / "t.csv"
    rows.write_text(
        "text,label\nWhere is my parcel now?,orders\nWhere is my parcel now?,payment\n", encoding="utf-8"
    )
    cli.import_([str(rows)])
    cli.scan("t", check=["contradiction"])
    lines = "\n".join(cli.review("t", check="contradiction").lines)
    assert "t.csv:2" in lines and "t.csv:3" in lines
    assert "(orders against payment)" in lines or "(payment against orders)" in lines
    with pytest.raises(ConfigError, match="contradictoin"):
        cli.review("t", check="contradictoin")


def test_an_import_tells_of_one_label_in_several_spellings(tmp_path, monkeypatch) -> None:
    """Before anything is trained on them, and without changing them."""
    from curate.commands import main as cli

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    rows = tmp_path / "t.csv"
    rows.write_text("text,label\na?,card_lost\nb?,card_lost\nc?,Card_Lost\nd?,refund\n", encoding="utf-8")
    lines = "\n".join(cli.import_([str(rows)]).lines)
    assert "several spellings? 'card_lost' 2, 'Card_Lost' 1" in lines
    assert "refund" not in lines
