"""What the quality check finds of the problems that curators counted, what else it flags, and how fast it is.

The kinds are those of the curators of Alpaca (rules of AlpacaDataCleaned and its issues), counted on the
first half of the original set. Sets that people wrote or cleaned show the false alarms: their findings a
thousand rows, all kinds but refusals and disclaimers, which are what they are called. Without the data the
check runs over rows of its own, seeded.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import time
from pathlib import Path

import polars as pl

from benchmarks.rows import texts as made_texts
from curate.checks.quality import Quality
from curate.checks.quality.text import texts
from curate.checks.structure import Structure
from curate.checks.style import Style
from curate.example import frame, with_ids
from curate.intake.sources import read_source
from curate.scanning.scan import scan

NAME = "quality"
HELP = "share found of the problems that curators counted, findings on clean sets, megabytes a CPU second"

# the curators' kind -> the labels that count as having found it
KINDS = {
    "asks_for_image": ("asks-for-picture",),
    "url_in_input": ("unreadable-link", "link-in-question", "missing-attachment"),
    "empty_output": ("empty-answer",),
    "na_output": ("placeholder-answer",),
    "noinput_marker_in_input": ("placeholder-input",),
    "attachment_in_input": ("missing-attachment",),
    "noinput_as_output": ("placeholder-answer",),
    "merged_instruction_in_output": ("merged-instruction",),
    "image_markup_in_input": ("missing-attachment",),
    "control_char": ("control-character", "invisible-character"),
}
RAW = Path("alpaca_original")
CLEAN = {
    "gpteacher": "gpteacher_dedup_levels/toolformer-dedupe-only-dataset.json.gz",
    "gsm8k": "gsm8k/train.jsonl.gz",
    "banking77": "banking77/train.csv",
    "fastchat": "fastchat_sharegpt/dummy_conversation.json",
    "oasst": "oasst_samples/en_100_tree.jsonl",
    "instructionwild": "instructionwild_user/user_1.jsonl",
    "user_oriented": "instruction_eval_overlap/user_oriented_instructions.jsonl",
    "humaneval": "humaneval/HumanEval.jsonl.gz",
}
MEANT = ("refusal", "ai-disclaimer")
TRANSLATED = "alpaca_chinese_before_after/alpaca_data-3252-6382-中文-未完成.{}.json.gz"
SPEED_ROWS = 100_000
SMALL = ("the", "of", "and", "to", "in", "is", "that", "it", "for", "with")  # every third word

Figures = dict[str, float | None]


def run(data: Path | None, quick: bool) -> tuple[Figures, dict[str, str], dict[str, str], int]:
    """The figures; those that need the data are null without it."""
    figures: Figures = {f"recall_{kind}": None for kind in KINDS}
    figures |= {f"flagged_per_1000_{name}": None for name in CLEAN}
    figures |= {"removed_recall": None, "removed_precision": None, "removed_precision_reached": None}
    why = dict.fromkeys(figures, "quick" if quick else "needs --data")
    if data and not quick:
        figures |= _recalls(data) | _alarms(data) | _removals(data)
        why = {key: "the set is not there" for key, value in figures.items() if value is None}
    count = 2_000 if quick else SPEED_ROWS
    real = _real(data, count) if data and not quick else None
    figures |= _speeds(_made(count) if real is None else real, times=1 if quick else 3)
    return figures, why, {}, count


def _recalls(data: Path) -> Figures:
    """The share of each kind's rows that has a finding of its labels."""
    known = data / RAW / "problem_kinds.json"
    if not known.exists():
        return {}
    rows = read_source(str(data / RAW / "alpaca_data.json.gz")).examples
    findings = scan(rows, [Structure(), Quality()]).findings
    placed = findings.join(rows.select("example_id", "source_row"), on="example_id")
    figures: Figures = {}
    for kind, ids in json.loads(known.read_text(encoding="utf-8"))["row_ids"].items():
        hits = set(placed.filter(pl.col("label").is_in(KINDS[kind]))["source_row"].to_list())
        figures[f"recall_{kind}"] = round(sum(at + 1 in hits for at in ids) / len(ids), 4)
        flagged = len(hits)
        print(
            f"{kind:<30} {sum(at + 1 in hits for at in ids):>4} of {len(ids):>4}, rows flagged {flagged:>4}",
            file=sys.stderr,
        )
    return figures


def _alarms(data: Path) -> Figures:
    """Findings for 1,000 rows of each set that people wrote or cleaned."""
    figures: Figures = {}
    for name, place in CLEAN.items():
        if not (data / place).exists():
            continue
        rows = read_source(str(data / place)).examples
        found = scan(rows, [Quality()]).findings.filter(~pl.col("label").is_in(MEANT))
        figures[f"flagged_per_1000_{name}"] = round(1000 * found["example_id"].n_unique() / rows.height, 3)
        print(f"{name:<16} {dict(found.group_by('label').len().sort('label').iter_rows())}", file=sys.stderr)
    return figures


def _removals(data: Path) -> Figures:
    """What a maintainer took out of a set that he was translating, against what is proposed for Chinese data.

    He had come as far as the last removed row; `reached` counts the proposals up to there.
    """
    first, last = (data / TRANSLATED.format(word) for word in ("first", "last"))
    if not first.exists() or not last.exists():
        return {}
    before, after = (json.loads(gzip.decompress(path.read_bytes())) for path in (first, last))
    kept = {(row["instruction"], row["input"]) for row in after}
    gone = {at for at, row in enumerate(before, 1) if (row["instruction"], row["input"]) not in kept}
    rows = read_source(str(first)).examples
    findings = scan(rows, [Structure(), Quality(languages=("zh",))]).findings
    placed = findings.join(rows.select("example_id", "source_row"), on="example_id")
    proposed = set(placed["source_row"].to_list())
    reached = {row for row in proposed if row <= max(gone)}
    return {
        "removed_recall": round(len(proposed & gone) / len(gone), 4),
        "removed_precision": round(len(proposed & gone) / len(proposed), 4),
        "removed_precision_reached": round(len(reached & gone) / len(reached), 4),
    }


def _speeds(table: pl.DataFrame, times: int) -> Figures:
    """Megabytes of text a CPU second; medians."""
    megabytes = texts(table)["text"].str.len_bytes().sum() / 1e6
    figures: Figures = {"bytes_a_row": round(1e6 * megabytes / table.height)}
    for key, check in (("quality", Quality()), ("style", Style())):
        spent = []
        for _ in range(times):
            began = time.process_time()
            scan(table, [check])
            spent.append(time.process_time() - began)
        figures[f"mb_per_cpu_second_{key}"] = round(megabytes / statistics.median(spent), 2)
    return figures


def _real(data: Path, count: int) -> pl.DataFrame | None:
    """Rows of chat, preferences and instructions, again and again up to `count`."""
    places = [data / "llamafactory_demos" / f"{name}_demo.json" for name in ("alpaca_en", "dpo_en", "kto_en")]
    if not all(place.exists() for place in places):
        return None
    once = pl.concat([read_source(str(place)).examples for place in places])
    many = pl.concat([once] * (count // once.height + 1)).head(count)
    return many.with_columns(example_id=pl.int_range(pl.len()).cast(pl.String))


def _made(count: int) -> pl.DataFrame:
    """Questions with answers of 150 to 210 words, seeded; 1 in 50 has a problem."""
    problems = ("<|im_end|>", " &amp; more", "\n6. Instruction: Go.\n6. Output: Gone", "\u200b", " and the")
    rows: list[dict[str, object]] = []
    for at, words in enumerate(made_texts(count, 150, 210, 3)):
        words[::3] = [SMALL[(at + place) % len(SMALL)] for place in range(len(words[::3]))]
        answer = " ".join(words) + "." + (problems[at % 5] if at % 50 < 1 else "")
        turns = [
            {"role": role, "content": text, "name": None, "tool_calls": None, "tool_call_id": None}
            for role, text in (
                ("user", f"Tell me all that is known of the number {at}."),
                ("assistant", answer),
            )
        ]
        rows.append({"messages": turns, "source": "made", "source_row": at + 1, "meta": "{}"})
    return with_ids(frame(rows), map(str, range(count)))
