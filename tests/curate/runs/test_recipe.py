"""Recipes: read strictly, carried out to the same bytes however often they are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from curate.commands.main import curate
from curate.deciding.review import REVIEW
from curate.errors import ConfigError, GateError
from curate.example import frame
from curate.runs.job import Account, alarms_of, run_recipe
from curate.runs.recipe import read_recipe
from curate.workspace import Workspace

RECIPE = """
[import]
files = ["rows.jsonl"]
label = "queue"
group = "customer"

[scan]
checks = ["structure", "exact-duplicate", "near-duplicate", "pii", "contradiction", "leak"]
encoder = "none"

[checks.near-duplicate]
threshold = 0.8

[split]
seed = 3

[export]
to = "out"
formats = ["openai", "trl"]
"""


def write_rows(folder: Path, count: int = 120) -> None:
    """Distinct tickets, each fifth one twice, one without an answer, one contradiction."""
    draw = random.Random(1)
    words = [
        "mug",
        "plate",
        "lamp",
        "chair",
        "table",
        "rug",
        "vase",
        "clock",
        "shelf",
        "bowl",
        "fork",
        "knife",
        "sofa",
        "desk",
        "bed",
        "mirror",
    ]
    rows = []
    for n in range(count):
        text = f"hello my {' '.join(draw.sample(words, 6))} number {draw.randrange(10**6)} did not arrive"
        queue = f"q{n % 3}"
        chat = [{"role": "user", "content": text}, {"role": "assistant", "content": f"{queue}: we will look"}]
        rows.append({"messages": chat, "queue": queue, "customer": f"c{n // 2}"})
        if n % 5 == 0:
            rows.append(rows[-1])
    rows.append({"messages": [{"role": "user", "content": "nobody answers this one"}], "queue": "q0"})
    odd = {"role": "assistant", "content": "q2: something else"}
    rows.append({"messages": [rows[1]["messages"][0], odd], "queue": "q2", "customer": "c0"})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    write_rows(tmp_path)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def changed(folder: Path, *pairs: tuple[str, str]) -> Path:
    text = RECIPE
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


# reading


def test_a_byte_order_mark_is_no_part_of_a_recipe(folder: Path):
    path = folder / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_recipe(path).source.files == ("rows.jsonl",)


def test_a_recipe_is_read_with_defaults(folder: Path):
    recipe = read_recipe(folder / "recipe.toml")
    assert recipe.source.files == ("rows.jsonl",) and recipe.source.label == "queue"
    assert recipe.checks == {"near-duplicate": {"threshold": 0.8}}
    assert recipe.split is not None and recipe.split.seed == 3 and recipe.split.sizes == (70, 15, 15)
    assert recipe.gate.on_open == "continue" and recipe.gate.largest_cluster == 0.2
    assert recipe.reviewer == "recipe:recipe"
    assert recipe.place("x.jsonl") == str(folder / "x.jsonl") and recipe.place("hf:a/b") == "hf:a/b"


def test_a_recipe_without_split_and_export_has_none(folder: Path):
    (folder / "recipe.toml").write_text('[import]\nfiles = ["rows.jsonl"]\n')
    recipe = read_recipe(folder / "recipe.toml")
    assert recipe.split is None and recipe.export is None


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ('[import]\nfiles = ["a"]\nlable = "x"\n', 3, "`lable` in [import]", "did you mean `label`"),
        ('[import]\nfiles = ["a"]\n\n[splitt]\n', 4, "no table is called `splitt`", "did you mean `split`"),
        ('[import]\nfiles = ["a"]\n[checks.near-duplicat]\n', 3, "no check `near-duplicat`", "near-duplicate"),
        ('[import]\nfiles = ["a"]\n[checks.near-duplicate]\nthreshhold = 1\n', 4, "threshhold", "threshold"),
        ('[import]\nfiles = ["a"]\n[split]\nseed = "x"\n', 4, "`split.seed` is 'x'", "whole number"),
        ('[import]\nfiles = ["a"]\n[split]\nsizes = [1, 2]\n', 4, "split.sizes", "three numbers"),
        ('[import]\nfiles = ["a"]\n[gate]\non_open = "maybe"\n', 4, "gate.on_open", '"continue" or "stop"'),
        ('[import]\nfiles = ["a"]\n[gate]\nlargest_loss = 2\n', 4, "gate.largest_loss", "up to 1"),
        ('[import]\nfiles = [1]\n', 2, "import.files", "a list of strings"),
        ('import.files = ["a"]\nimport.roles = {a = 1}\n', 2, "import.roles", "a table of strings"),
        ('[import]\nfiles = ["a"]\n[apply]\nalso = ["pii/PERSN"]\n', 4, "kind `PERSN`", "did you mean `PERSON`"),
        ('[import]\nfiles = ["a"]\n[apply]\nalso = ["pi/PERSON"]\n', 4, "no check `pi`", "did you mean `pii`"),
        ('split = 3\n[import]\nfiles = ["a"]\n', 1, "`split` is a value", "[split]"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_and_what_was_meant(
    tmp_path: Path, text: str, line: int, words: str, hint: str
):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert words in caught.value.message
    assert hint in caught.value.hint


def test_no_file_no_toml_and_nothing_to_import_are_errors(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "r.toml").write_text("[import\n")
    with pytest.raises(ConfigError, match="line 1"):
        read_recipe(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text("[import]\n")
    with pytest.raises(ConfigError, match="nothing to import"):
        read_recipe(tmp_path / "r.toml")


# carrying out


def test_the_whole_job_and_its_account(folder: Path):
    answer = curate(folder / "recipe.toml")
    data = answer.data
    account = data["account"]
    assert account["read"] == 146 == account["out"] + sum(account["dropped"].values()) + account["rejected"]
    assert account["dropped"]["exact-duplicate/exact"] == 24
    assert data["split"]["crossing_groups"] == data["split"]["crossing_clusters"] == 0
    assert data["open"] == 1  # the contradiction stays for a person
    train = (folder / "out" / "openai" / "rows-train.jsonl").read_text().splitlines()
    assert len(train) == data["split"]["rows"]["train"]
    assert (folder / "out" / "rows.card.md").is_file()
    block = "\n".join(answer.lines)
    assert "rows read" in block and "146" in block and "next: " in answer.lines[-1]
    workspace = Workspace.open()
    assert workspace.dataset("rows") == data["dataset"]
    assert {r["reviewer"] for r in workspace.ledger.rows("select reviewer from decision")} == {
        "recipe:recipe"
    }


def test_a_second_run_takes_up_the_recorded_runs(folder: Path):
    first = curate(folder / "recipe.toml").data
    before = bytes_of(folder / "out")
    workspace = Workspace.open()
    count = "select count(*) as n from run where kind <> 'export'"
    runs = workspace.ledger.rows(count)[0]["n"]
    second = curate(folder / "recipe.toml").data
    assert workspace.ledger.rows(count)[0]["n"] == runs
    assert second == first and bytes_of(folder / "out") == before
    assert workspace.dataset("rows") == first["dataset"]


def test_one_worker_or_two_give_the_same_bytes(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch
):
    fewer = (
        '"structure", "exact-duplicate", "near-duplicate", "pii", "contradiction", "leak"',
        '"structure", "near-duplicate", "pii"',
    )
    one = curate(changed(folder, fewer)).data
    before = bytes_of(folder / "out")
    other = tmp_path_factory.mktemp("other")
    write_rows(other)
    changed(other, fewer)
    monkeypatch.setenv("SEATRIAL_HOME", str(other / "ws"))
    two = curate(other / "recipe.toml", workers=2).data
    assert two["dataset"] == one["dataset"]
    assert bytes_of(other / "out") == before


RUN = (
    "import sys; from pathlib import Path; from curate.commands.main import curate; curate(Path(sys.argv[1]))"
)


def test_killed_at_any_moment_and_started_again_it_ends_in_the_same_bytes(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
):
    """The moments are drawn anew each time, and shown when it fails."""
    whole = tmp_path_factory.mktemp("whole")
    write_rows(whole)
    (whole / "recipe.toml").write_text(RECIPE)

    def start(place: Path) -> subprocess.Popen[bytes]:
        env = {**os.environ, "SEATRIAL_HOME": str(place / "ws")}
        words = [sys.executable, "-c", RUN, str(place / "recipe.toml")]
        return subprocess.Popen(words, env=env, stderr=subprocess.PIPE)

    began = time.monotonic()
    child = start(whole)
    assert child.wait() == 0, child.stderr.read()
    length = time.monotonic() - began
    moments = [random.uniform(0.4, 1.0) * length for _ in range(2)]
    for moment in moments:
        child = start(folder)
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.wait()
    child = start(folder)
    _, errors = child.communicate()
    assert child.returncode == 0, (moments, errors)
    assert bytes_of(folder / "out") == bytes_of(whole / "out"), moments
    names = []
    for place in (folder, whole):
        workspace = Workspace(place / "ws")
        names.append(workspace.dataset("rows"))
        workspace.close()
    assert names[0] == names[1]


def test_rejects_stop_the_job_unless_they_are_allowed(folder: Path):
    with (folder / "rows.jsonl").open("a") as file:
        file.write("no json\n")
    with pytest.raises(GateError, match=r"1 row could not be read: rows.jsonl:\d+: is not JSON"):
        curate(folder / "recipe.toml")
    path = changed(folder, ('label = "queue"', 'label = "queue"\nallow_rejects = true'))
    data = curate(path).data
    assert data["account"]["rejected"] == 1 and data["account"]["read"] == 147


def test_doubtful_findings_stop_the_job_only_if_asked(folder: Path):
    path = changed(folder, ("[split]", '[gate]\non_open = "stop"\n\n[split]'))
    with pytest.raises(GateError, match="1 finding waits") as caught:
        curate(path)
    assert caught.value.exit_code == 1
    assert not (folder / "out").exists()


def test_blocking_findings_stop_the_job_unless_allowed(folder: Path):
    """With no round of applying the row without an answer stays, and blocks."""
    rounds = ("[split]", "[apply]\nrounds = 0\n\n[split]")
    with pytest.raises(GateError, match="blocking findings are open"):
        curate(changed(folder, rounds))
    allowed = ("[split]", "[apply]\nrounds = 0\n\n[gate]\nallow_blocking = true\n\n[split]")
    data = curate(changed(folder, allowed, ('"openai", "trl"', '"original"'))).data
    assert data["account"]["out"] == 146


def test_an_alarm_stops_before_anything_is_decided(folder: Path):
    path = changed(folder, ("[split]", "[gate]\nlargest_loss = 0.1\n\n[split]"))
    with pytest.raises(GateError, match="would lose 25 of its 146 rows"):
        curate(path)
    workspace = Workspace.open()
    assert workspace.ledger.rows("select * from decision") == []
    assert curate(changed(folder)).exit_code == 0


def test_alarms_name_clusters_sources_and_labels_out_of_proportion():
    ids = [f"e{n}" for n in range(20)]
    examples = frame(
        [{"example_id": i, "source": "a", "label": "x" if n < 10 else "y"} for n, i in enumerate(ids)]
    ).with_columns(content_hash=pl.lit("h"))
    rows = [
        {"finding_id": f"f{i}", "check": "near-duplicate", "example_id": i, "other_id": ids[0] if i != ids[0] else None,
         "cluster_id": "c", "decided": "drop" if i != ids[0] else "keep", "target": i}
        for i in ids[:8]
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema_overrides=REVIEW).select(
        [pl.col(n) if n in rows[0] else pl.lit(None, dtype=t).alias(n) for n, t in REVIEW.items()]
    )
    assert alarms_of(examples, table, 0.2, 0.5) == [
        "a near-duplicate cluster holds 8 of 20 rows (40%)",
        "label `x` would lose 7 of its 10 rows (70%)",
    ]
    assert alarms_of(examples, table, 0.5, 0.8) == []


def test_an_account_that_does_not_add_up_is_a_fault():
    from curate.errors import AccountError

    Account(10, 1, {"a/b": 2}, 7).close()
    with pytest.raises(AccountError):
        Account(10, 1, {"a/b": 2}, 8).close()


def test_the_recipe_object_can_be_run_without_the_shell(folder: Path):
    outcome = run_recipe(Workspace.open(create=True), read_recipe(folder / "recipe.toml"))
    assert outcome.rounds == 1 and outcome.written


def test_a_split_may_ask_for_rows_and_balance(tmp_path) -> None:
    """Of the [split] table, as `split_version` takes it."""
    path = tmp_path / "r.toml"
    path.write_text(
        '[import]\nfiles = ["a.jsonl"]\n[split]\nrows = ["rest", 10, 5]\nby = "label,source"\n'
        'balance = "oversample"\ntemperature = 2\ncap = 4\nencoder = "none"\n'
    )
    split = read_recipe(path).split
    assert split is not None
    wish = split.wish()
    assert wish.rows == (None, 10, 5) and wish.by == "label,source" and wish.encoder == "none"
    assert (wish.balance.method, wish.balance.temperature, wish.balance.cap) == ("oversample", 2.0, 4.0)
    for line in ("rows = [1, 2]", 'balance = "smote"', "semantic_threshold = 2"):
        path.write_text(f'[import]\nfiles = ["a.jsonl"]\n[split]\n{line}\n')
        with pytest.raises(ConfigError, match=r"r.toml:4"):
            read_recipe(path)


def test_an_export_that_the_rows_refuse_leaves_the_account(folder: Path) -> None:
    """What was read, dropped and split is told though a format cannot hold a row; exit code 1."""
    rows = (folder / "rows.jsonl").read_text().splitlines()
    bare = json.dumps({**json.loads(rows[2]), "queue": None})
    (folder / "rows.jsonl").write_text("\n".join([*rows, bare.replace("hello my", "hello, our own")]) + "\n")
    recipe = changed(folder, ('formats = ["openai", "trl"]', 'formats = ["csv"]'))
    answer = curate(recipe)
    assert answer.exit_code == 1 and not (folder / "out").exists()
    text = "\n".join(answer.lines)
    assert "rows read" in text and "not exported: 1 of " in text
    assert answer.data["written"] == [] and "cannot be written as csv" in answer.data["refused"]


def test_a_folder_with_the_card_of_other_rows_is_refused_before_the_scan(folder: Path) -> None:
    """What the rows as they were read already show needs no scan; the way out is the recipe's own."""
    recipe = folder / "recipe.toml"
    curate(recipe)
    write_rows(folder, 125)
    with pytest.raises(ConfigError, match="nothing was looked at") as told:
        curate(recipe)
    assert "overwrite = true under [export]" in str(told.value.hint)
    kinds = [row["kind"] for row in Workspace.open().ledger.rows("select kind from run order by run_id")]
    assert kinds[-1] == "import"
    recipe.write_text(recipe.read_text() + "overwrite = true\n")
    assert curate(recipe).exit_code == 0
