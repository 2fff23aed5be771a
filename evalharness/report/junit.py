"""The verdict as JUnit XML, for what shows the results of tests: a case for each claim and each condition."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from curate.visible import visible
from evalharness.deciding.comparison import Comparison
from evalharness.deciding.wording import difference_words, headline, probability

BETTER, CONDITIONS = "better than each baseline", "conditions"


def junit(comparison: Comparison) -> str:
    """A suite of two classes. What is required and was not measured is an error; what only informs is skipped."""
    chosen = comparison["settings"]
    cases = []
    for row in comparison["differences"]:
        if row["metric"] == chosen["primary"]:
            shown = row["p_margin"] is not None and row["p_margin"] < chosen["alpha"]
            said = f"{difference_words(row)}, p {probability(row['p_margin'])}"
            cases.append(_case(BETTER, f"better than {row['baseline']}", "pass" if shown else "fail", said))
    for check in comparison["checks"]:
        state = check["state"]
        if state == "not measured":
            state_word = "error" if check["required"] else "skipped"
        else:
            state_word = "fail" if state == "fail" else "pass"
        cases.append(_case(CONDITIONS, check["check"], state_word, check["detail"]))
    outcome = headline(comparison)
    cases.append(
        _case(
            "verdict",
            "verdict",
            "pass" if comparison["verdict"]["exit_code"] == 0 else "fail",
            f"{outcome}: {comparison['verdict']['reason']}",
        )
    )
    counts = {kind: sum(f"<{kind} " in case for case in cases) for kind in ("failure", "error", "skipped")}
    name = quoteattr(f"seatrial {visible(comparison['subject']['name'], lines=False)}")
    head = (
        f'<testsuite name={name} tests="{len(cases)}" failures="{counts["failure"]}" errors="{counts["error"]}" '
        f'skipped="{counts["skipped"]}" timestamp={quoteattr(comparison["subject"]["scored_at"])}>'
    )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            "<testsuites>",
            head,
            *cases,
            "</testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _case(kind: str, name: str, state: str, said: str) -> str:
    text = visible(said, lines=False)
    start = f"<testcase classname={quoteattr('seatrial.' + kind)} name={quoteattr(name)}"
    if state == "pass":
        return f"{start}><system-out>{escape(text)}</system-out></testcase>"
    tag = {"fail": "failure", "error": "error", "skipped": "skipped"}[state]
    return f"{start}><{tag} message={quoteattr(text)}/></testcase>"
