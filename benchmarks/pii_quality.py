"""How much personal data the check finds, by presidio-evaluator's span evaluator (its defaults, F2).

On presidio-research's `synth_dataset_v2` where `--data` has it, else on the hand-written texts of the
tests. A place of any kind is a LOCATION, as in that project's own notebook; all kinds that the set
labels are asked for, also those that are on request by default. A span counts where it and the true
one share at least nine tenths of their characters, punctuation and words like `street` not counted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from curate.checks.pii import Pii
from curate.example import frame, with_ids
from curate.scanning.scan import scan

NAME = "pii-quality"
HELP = "F2 of the personal-data check by presidio-evaluator: overall, names, places, telephones and the rest"

PEER = "presidio-evaluator==0.3.2"
SET = Path("presidio_synth_v2") / "synth_dataset_v2.json"
OWN = Path(__file__).parents[1] / "tests" / "curate" / "names" / "held_out.txt"
# the set's name for a kind -> the one that both sides are counted under
COUNTED = {
    "GPE": "LOCATION", "STREET_ADDRESS": "LOCATION", "DOMAIN_NAME": "URL",
}  # fmt: skip
ENTITIES = (
    "PERSON", "LOCATION", "STREET_ADDRESS", "ORGANIZATION", "NRP", "TITLE", "AGE", "DATE_TIME", "ZIP_CODE",
    "PHONE_NUMBER", "EMAIL_ADDRESS", "URL", "IBAN_CODE", "CREDIT_CARD", "IP_ADDRESS", "US_SSN", "US_DRIVER_LICENSE",
)  # fmt: skip
ROWS = {
    "f2": "PII", "f2_person": "PERSON", "f2_location": "LOCATION", "f2_phone": "PHONE_NUMBER",
    "f2_email": "EMAIL_ADDRESS", "f2_iban": "IBAN_CODE", "f2_ssn": "US_SSN", "f2_ip": "IP_ADDRESS",
    "f2_url": "URL", "f2_credit_card": "CREDIT_CARD",
}  # fmt: skip
# presidio-research's notebook, en_core_web_lg, an earlier version of the evaluator; it cannot run here
PUBLISHED = "spaCy en_core_web_lg, published: PII .618, PERSON .634, LOCATION .227, PHONE .271, DATE_TIME .566, CREDIT_CARD .809, IP .942, others 1; transformer: PII .845"

Spans = list[tuple[int, int, str]]


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """The figures, why some are missing, the peer and the number of texts."""
    path = data / SET if data else None
    texts, gold = _labelled(path) if path and path.exists() else _written()
    if quick:
        texts, gold = texts[:40], gold[:40]
    found = _found(texts)
    if quick:
        why = dict.fromkeys(ROWS, "the evaluator is not installed for a quick run")
        return dict.fromkeys(ROWS, None), why, {}, len(texts)
    with tempfile.TemporaryDirectory() as folder:
        scores = _scored(texts, gold, found, Path(folder))
    for label, row in sorted(scores.items()):
        sys.stderr.write(f"{label:<18}{json.dumps(row)}\n")
    figures: dict[str, float | None] = {}
    for name, label in ROWS.items():
        value = scores.get(label, {}).get("f2")
        figures[name] = None if value is None else round(value, 3)
    why = {name: "no such value in these texts" for name, value in figures.items() if value is None}
    return figures, why, {"evaluator": PEER, "published": PUBLISHED}, len(texts)


def _labelled(path: Path) -> tuple[list[str], list[Spans]]:
    """The texts of a presidio-research file and the spans in them."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    spans = [
        [
            (
                span["start_position"],
                span["end_position"],
                COUNTED.get(span["entity_type"], span["entity_type"]),
            )
            for span in row["spans"]
        ]
        for row in rows
    ]
    return [row["full_text"] for row in rows], spans


def _written() -> tuple[list[str], list[Spans]]:
    """The hand-written texts and the spans in them, marked [text|LABEL] in the file."""
    texts, every = [], []
    for block in OWN.read_text(encoding="utf-8").partition("\n")[2].split("\n%%\n"):
        text, spans, at = "", [], 0
        for mark in re.finditer(r"\[([^\[\]|]+)\|([A-Z_]+)\]", block):
            text += block[at : mark.start()]
            spans.append((len(text), len(text) + len(mark[1].rstrip()), COUNTED.get(mark[2], mark[2])))
            text += mark[1]
            at = mark.end()
        texts.append(text + block[at:])
        every.append(spans)
    return texts, every


def _found(texts: list[str]) -> list[list[tuple[int, int, str, float]]]:
    """What the check finds in each text, as a user would run it."""
    rows: list[dict[str, object]] = [
        {"messages": [{"role": "user", "content": text}], "source": "texts"} for text in texts
    ]
    examples = with_ids(frame(rows), texts)
    findings = scan(examples, [Pii(entities=ENTITIES)]).findings.filter(pl.col("field") == "content")
    found: dict[str, list[tuple[int, int, str, float]]] = {name: [] for name in examples["example_id"]}
    for name, start, end, label, score in findings.select(
        "example_id", "start", "end", "label", "score"
    ).iter_rows():
        found[name].append((start, end, COUNTED.get(label, label), score))
    return list(found.values())


def _scored(
    texts: list[str], gold: list[Spans], found: list[list[tuple[int, int, str, float]]], folder: Path
) -> dict[str, dict[str, float | None]]:
    """The evaluator's scores by label, from an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, capture_output=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True, capture_output=True)
    (folder / "in.json").write_text(json.dumps({"texts": texts, "gold": gold, "found": found}))
    script = Path(__file__).with_name("peers") / "presidio_evaluator_spans.py"
    done = subprocess.run([python, script, folder / "in.json"], check=True, capture_output=True, text=True)
    scores: dict[str, dict[str, float | None]] = json.loads(done.stdout.splitlines()[-1])
    return scores
