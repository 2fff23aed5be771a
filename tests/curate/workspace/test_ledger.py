"""One ledger in two threads, as when rows are written while somebody decides: nothing refused or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from curate.workspace import Decision, Workspace

WORDS = 600


def test_two_threads_decide_at_once(tmp_path: Path) -> None:
    """Each word that was acknowledged is there once; none falls into the other's transaction."""
    workspace = Workspace(tmp_path)
    refused: list[BaseException] = []

    def decide(who: str) -> None:
        for number in range(WORDS):
            try:
                workspace.ledger.decide([Decision(f"{who}-{number}", "e", "keep", who)])
                if number % 20 == 0:
                    workspace.ledger.rows("select count(*) from decision where reviewer = ?", who)
            except Exception as error:
                refused.append(error)

    threads = [threading.Thread(target=decide, args=(who,)) for who in ("anna", "ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = Counter(row["finding_id"] for row in workspace.ledger.rows("select finding_id from decision"))
    assert refused == []
    assert said == Counter(f"{who}-{number}" for who in ("anna", "ben") for number in range(WORDS))


def test_what_is_not_finished_is_nobody_elses_to_read(tmp_path: Path) -> None:
    """A thread that fails in the middle of its words leaves none, and the other's stand."""
    workspace = Workspace(tmp_path)
    inside, go_on = threading.Event(), threading.Event()
    failed: list[str] = []

    def half() -> None:
        workspace.ledger.db.execute("insert into artifact values ('half', 'table', 0, '')")
        inside.set()
        go_on.wait(0.2)
        raise ValueError("stopped in between")

    def work() -> None:
        try:
            workspace.ledger.together(half)
        except ValueError as error:
            failed.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(5)
    workspace.ledger.decide([Decision("f", "e", "keep", "anna")])
    go_on.set()
    thread.join()
    assert failed == ["stopped in between"]
    assert [row["finding_id"] for row in workspace.ledger.rows("select finding_id from decision")] == ["f"]
    assert workspace.ledger.rows("select 1 from artifact") == []
