"""`seatrial journal`, `agree` and `session`, as the shell calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from curate.answer import Answer
from curate.commands import journal as cli_journal
from curate.commands import review as cli_review
from curate.commands.main import curate, import_, scan
from curate.deciding.review import open_blocking, open_findings, review, safe
from curate.errors import ConfigError, GateError, SourceError
from curate.runs.release import gate
from curate.runs.steps import apply_decisions
from curate.workspace import Annotation, Workspace


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file scanned in a workspace, and a copy of that workspace for a second person."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"my order {n * 7919} broke, mail p{n}@example.org please"},
                {"role": "assistant", "content": f"we are sorry about parcel {n * 31}"},
            ]
        }
        for n in range(6)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("sys.argv", ["seatrial", "import", "rows.jsonl"])
    at("anna", monkeypatch)
    import_(["rows.jsonl"])
    scan(check=["structure", "pii"], setting=['pii.names="none"'])
    shutil.copytree(tmp_path / "anna", tmp_path / "ben")
    return tmp_path


def at(person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this person sits at their own workspace."""
    monkeypatch.setenv("SEATRIAL_HOME", person)
    monkeypatch.setenv("SEATRIAL_REVIEWER", person)


def checked(answer: Answer) -> Answer:
    """The last line says what is next, and the data is JSON."""
    assert answer.lines[-1].startswith("next: ")
    json.dumps(answer.data)
    return answer


def table() -> object:
    """The review here."""
    here = Workspace.open()
    return review(here, here.dataset())


def test_two_people_differ_settle_and_export(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole journey: own words, journals, a difference that stops apply and the gate, a settlement."""
    here = Workspace.open()
    ids = review(here, here.dataset())["finding_id"].to_list()
    cli_review.review(accept=ids[:4])
    at("ben", monkeypatch)
    cli_review.review(accept=ids[1:4], reject=ids[:1])
    told = checked(cli_journal.journal("export", to=Path("ben.jsonl")))
    assert told.data["words"] == 4
    at("anna", monkeypatch)
    told = checked(cli_journal.journal("merge", [Path("ben.jsonl")]))
    assert (told.data["decisions"], told.data["differences"], told.data["strangers"]) == (4, 1, 0)
    again = cli_journal.journal("merge", [Path("ben.jsonl"), Path("ben.jsonl")])
    assert (again.data["decisions"], again.data["known"]) == (0, 4)
    told = checked(cli_journal.journal("differences"))
    assert told.exit_code == 1 and "anna: redact; ben: keep" in told.lines[1]
    here = Workspace.open()
    found = review(here, here.dataset())
    assert found.filter("differ")["finding_id"].to_list() == ids[:1]
    assert open_blocking(found).height == 3 and open_findings(found).height == 3
    assert ids[0] not in safe(found)["finding_id"].to_list()
    with pytest.raises(GateError, match="on 1 of them people differ"):
        gate(here, here.dataset(), "split")
    done = apply_decisions(here, here.dataset())
    assert done.changes["finding_id"].n_unique() == 3  # the difference is left alone
    here.ledger.set_name("rows", done.made.outputs["dataset"])
    raw = found_version(here)
    assert cli_review.review(raw, reject_all=True, open=True).data["decided"] == 2
    assert cli_review.review(raw, differ=True).data["fitting"] == 1
    cli_review.review(raw, accept_all=True, differ=True)
    assert cli_journal.journal("differences").exit_code == 0
    assert review(here, here.dataset(raw)).filter(finding_id=ids[0])["decided"].to_list() == ["redact"]
    here.close()


def found_version(here: Workspace) -> str:
    """The version that was scanned first."""
    query = (
        "select digest from run_artifact where direction = 'in' and role = 'dataset' order by run_id limit 1"
    )
    return str(here.ledger.rows(query)[0]["digest"])


def test_agreement_is_told_by_key(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions and labels apart; what settles a difference was not said alone; a key that is none is refused."""
    here = Workspace.open()
    ids = review(here, here.dataset())["finding_id"].to_list()
    cli_review.review(accept=ids[:3], reject=ids[3:])
    monkeypatch.setenv("SEATRIAL_REVIEWER", "ben")
    cli_review.review(accept=ids[:4], reject=ids[4:])
    before = checked(cli_journal.agree()).data["agreement"]
    cli_review.review(reject=ids[3:4])  # ben has seen the difference now
    assert cli_journal.agree().data["agreement"] == before
    examples = here.examples(here.dataset())["example_id"].to_list()
    for who, answers in (("anna", "aabbab"), ("ben", "aabbaa"), ("carl", "aab")):
        here.ledger.annotate(
            Annotation(example, "h", "label:queue", json.dumps({"answer": answer, "seconds": 2}), who)
            for example, answer in zip(examples, answers, strict=False)
        )
    told = checked(cli_journal.agree())
    first, second = told.data["agreement"]  # type: ignore[misc]
    assert (first["key"], first["judged"], first["alpha"]["agreement"]) == ("decisions", 6, 5 / 6)
    assert (second["key"], second["people"], second["alpha"]["n"], len(second["kappa"])) == (
        "label:queue",
        3,
        6,
        3,
    )
    assert "alpha (nominal)" in told.lines[1]
    with pytest.raises(ConfigError, match="nobody has judged") as caught:
        cli_journal.agree(key="label:que")
    assert "label:queue" in caught.value.hint
    with pytest.raises(ConfigError, match="no number"):
        cli_journal.agree(key="label:queue", metric="interval")
    here.close()


def test_nobody_has_said_anything(two: Path) -> None:
    """Empty answers say so, and what is next."""
    assert "nobody" in checked(cli_journal.agree()).lines[0]
    assert checked(cli_journal.journal("differences")).exit_code == 0
    assert (
        "nobody called zoe" in checked(cli_journal.journal("export", by="zoe", to=Path("z.jsonl"))).lines[1]
    )
    assert len(cli_journal.journal("export").lines) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: cli_journal.journal("sync"),
        lambda: cli_journal.journal("merge"),
        lambda: cli_journal.journal("export", with_edits=True, any_time=True),
        lambda: cli_journal.journal("merge", [Path("a")], by="anna"),
        lambda: cli_journal.agree(metric="cosine"),
        lambda: cli_journal.session("replay"),
        lambda: cli_journal.session("write"),
    ],
)
def test_what_does_not_fit_is_refused(two: Path, call: object) -> None:
    """With a hint."""
    with pytest.raises(ConfigError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.hint


def test_a_missing_journal_is_an_error_in_words(two: Path) -> None:
    """Neither a file that is not there nor one that is no journal."""
    for name in ("none.jsonl", "rows.jsonl", "."):
        with pytest.raises(SourceError):
            cli_journal.journal("merge", [Path(name)])


def test_a_session_is_written_and_replayed(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the shell, in another workspace, to the same digest."""
    here = Workspace.open()
    cli_review.review(accept_all=True, check="pii")
    made = apply_decisions(here, here.dataset()).made.outputs["dataset"]
    here.ledger.set_name("rows", made)
    told = checked(cli_journal.session("write", None, to=Path("session")))
    assert told.data["files"] == ["../rows.jsonl"] and told.data["words"] == 6
    monkeypatch.setenv("SEATRIAL_HOME", "elsewhere")
    assert curate(Path("session/recipe.toml")).data["dataset"] == made
    here.close()
