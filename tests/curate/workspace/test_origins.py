"""Where a version came from, whatever made it: the card says the same after labels were applied."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from curate.changing.rewriting import Edit
from curate.changing.vault import Vault
from curate.deciding.edited_pairs import edited_pairs
from curate.deciding.review import accept_safe, decide_edit, record, review
from curate.labelling.applying import apply_answers
from curate.labelling.tasks import Option, Task
from curate.labelling.work import Work
from curate.people.session import REPLAYED
from curate.runs.outgoing import card_of
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace
from curate.workspace.origins import MAKERS, origins
from tui.reading.distributions import lineage


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    (tmp_path / "here").mkdir()
    return Workspace(tmp_path / "here")


def cleaned(workspace: Workspace, **how: object) -> str:
    """Six rows, one of them twice; what is safe is applied, and an answer edited."""
    rows = [{"prompt": f"write number {n}", "completion": f"mail p{n}@example.org now", "label": "a"} for n in range(5)]  # fmt: skip
    path = workspace.root / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    dataset = import_files(workspace, [str(path)], Reading(label="label")).made.outputs["dataset"]
    scan_version(workspace, dataset, names=["pii", "exact-duplicate"], settings={"pii": {"names": "none"}})
    row = review(workspace, dataset).filter(check="pii").row(-1, named=True)
    edit = Edit(row["example_id"], 1, "content", "write to the office")
    record(workspace, [decide_edit(workspace, row, edit, by="anna")])
    record(workspace, accept_safe(review(workspace, dataset)))
    return apply_decisions(workspace, dataset, **how).made.outputs["dataset"]  # type: ignore[arg-type]


def labelled(workspace: Workspace, dataset: str) -> str:
    """The version in which one answer to a task is the label."""
    task = Task("queue", options=(Option("a", "1"), Option("b", "2")), show="prompt")
    Work(workspace, dataset, "rows", task, "anna").answer(0, workspace.examples(dataset).to_dicts()[0], "b")
    return apply_answers(workspace, dataset, task).made.outputs["dataset"]


def counted(workspace: Workspace, dataset: str) -> list[str]:
    """The lines of the card on rows, sources and redactions."""
    table = review(workspace, dataset)
    card = card_of(workspace, dataset, workspace.examples(dataset), "rows", "command", table)
    return re.findall(r"^\| (?:rows|dropped|rows\.jsonl|EMAIL).*", card, re.MULTILINE)


def test_the_card_after_labels_says_where_the_rows_came_from(workspace: Workspace) -> None:
    """Rows read, dropped and redacted are those of before; so are the pairs and the lineage."""
    clean = cleaned(workspace)
    before = counted(workspace, clean)
    assert "| rows in |  | 6 |" in before and any("dropped | exact-duplicate" in line for line in before)
    new = labelled(workspace, clean)
    assert new != clean
    assert counted(workspace, new) == before
    assert [origin.kind for origin in origins(workspace, new)] == ["import", "apply", "label"]
    assert edited_pairs(workspace, new).rows == edited_pairs(workspace, clean).rows != []
    told = lineage(workspace, new)
    assert [line.split()[3] for line in told] == ["import", "apply", "label"]
    assert told[-1].startswith(new[:8])


def test_every_run_that_a_session_can_replay_makes_a_version() -> None:
    """One list: what is new in the one is known to the other."""
    assert set(REPLAYED) < set(MAKERS)


def test_what_a_vault_gave_back_is_not_redacted(workspace: Workspace) -> None:
    """The card of a restored version speaks of no redaction; of a whole one the import is the origin."""
    pytest.importorskip("cryptography")
    vault = Vault.open(workspace.root / "vault", b"a secret of the test", create=True)
    clean = cleaned(workspace, style="pseudonym", key=b"k" * 32, vault=vault)
    assert any(line.startswith("| EMAIL") for line in counted(workspace, clean))
    examples, rows = vault.restore(workspace.examples(clean))
    assert rows
    with workspace.run("restore", {}, {"dataset": clean}) as run:
        run.outputs["dataset"] = back = workspace.put_dataset(examples)
    assert [origin.kind for origin in origins(workspace, back)] == ["import", "apply", "restore"]
    lines = counted(workspace, back)
    assert not any(line.startswith("| EMAIL") for line in lines) and "| rows in |  | 6 |" in lines
