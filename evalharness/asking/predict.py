"""Questions of a split -> each arm's answers, one recorded run an arm."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol, cast

import polars as pl

from curate.errors import ConfigError
from curate.example import digest
from curate.progress import Progress
from curate.workspace import Workspace, code_version
from evalharness.asking.arms import Arm, Pool
from evalharness.asking.prompts import Prompt, Prompter
from evalharness.asking.recall import kind, recall_at
from evalharness.asking.task import Solved, queries
from evalharness.asking.unfinished import Row, Unfinished, alone, key_of

PREDICTIONS = pl.Schema(
    {
        "example_id": pl.String,
        "arm": pl.String,
        "answer": pl.String,  # null if error
        "choice": pl.String,  # likeliest label; null where there are no labels or they cannot be scored
        "finish_reason": pl.String,  # stop, length or error
        "prompt_tokens": pl.Int32,
        "answer_tokens": pl.Int32,
        "seconds": pl.Float64,  # an equal share of its batch; at an endpoint, of the attempt that was answered
        "first_token_seconds": pl.Float64,  # of these, until its first token; null where that is not known
        "prompt_hash": pl.String,
        "error": pl.String,
    }
)


FAILURES = 3  # reasons that are told
# The request of such a row failed. A row without a prompt could not be asked at all, and cannot be now.
MAY_WORK = (pl.col("finish_reason") == "error") & pl.col("prompt_hash").is_not_null()
CONTINUES = "continues"  # role of the predictions whose failed rows a run asks again
LONGEST = 512  # tokens of an answer, by the rules for what is not said


@dataclass(frozen=True)
class Asking:
    """What is the same for every arm."""

    split: str = "test"
    limit: int | None = None  # questions; drawn by the digest of their ids, not the first ones
    max_new_tokens: int | None = None  # None: by the length of the train answers
    instruction: str | None = None  # the user's own system message for the instructed arms


class Predicted(NamedTuple):
    """One arm's answers."""

    arm: str
    digest: str  # of the predictions
    run_id: str
    notes: dict[str, Any]
    fresh: bool  # False: recorded before, nothing has changed since


class Origin(NamedTuple):
    """What an arm's settings come of: further artifacts by role, and what tuning says of them."""

    inputs: Mapping[str, str] = {}
    tuning: Mapping[str, Any] = {}


class Answerer(Protocol):
    """A model that arms can ask."""

    def identity(self, arm: Arm) -> tuple[dict[str, object], dict[str, str]]:
        """(settings, input artifacts) that decide the answers to this arm's prompts."""
        ...

    def prompter(self, arm: Arm, pool: Pool, asking: Asking) -> Prompter:
        """What makes this arm's prompts."""
        ...

    def max_new_tokens(self, pool: Pool, asking: Asking) -> int:
        """The longest answer in tokens, as asked or by the model's own rule."""
        ...

    def rows(
        self, arm: Arm, prompts: Sequence[Prompt], pool: Pool, asking: Asking, draft: Unfinished
    ) -> Iterator[list[Row]]:
        """The answers to all prompts, some at a time and in any order.

        What `draft` holds is not asked again; what is answered is in it before it comes out here.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """What is worth knowing of the model, for the record."""
        ...


def predict(
    workspace: Workspace,
    dataset: str,
    arms: Sequence[Arm],
    answerer: Answerer,
    asking: Asking,
    *,
    again: bool = False,
    pool: Pool | None = None,
    origins: Mapping[str, Origin] | None = None,
) -> list[Predicted]:
    """Ask each arm the questions of a split, or take what is recorded if nothing has changed.

    `pool` is what may be shown, where that is more than the train rows; `origins` says what an arm's
    settings come of. Of a recorded run, rows whose request failed are asked again, and they alone. With `again`, ask
    everything even so.
    Every fresh reading of the split is a run in the ledger. Raises ConfigError for a dataset without
    that split or, for arms that show examples, without train rows; and where another process asks the same.
    """
    examples = workspace.examples(dataset)
    asked = questions(examples, asking)
    pool = pool or Pool(examples)
    results = []
    for arm in arms:
        if arm.shows == "rows":
            _must_have_train(pool, arm)
        origin = (origins or {}).get(arm.name, Origin())
        settings, more = answerer.identity(arm)
        params = _params(arm, asking, settings)
        inputs = {"dataset": dataset, **more, **origin.inputs}
        with alone(workspace.root, "predict", key_of(params, inputs, code_version())):
            kept: dict[str, Row] = {}
            if not again and (found := _recorded(workspace, params, inputs)):
                run_id, outputs = found
                before = workspace.table(outputs["predictions"])
                if not before.filter(MAY_WORK).height:
                    notes = cast("dict[str, Any]", workspace.json(outputs["notes"]))
                    results.append(Predicted(arm.name, outputs["predictions"], run_id, notes, fresh=False))
                    continue
                good = before.filter(pl.col("error").is_null())
                kept = {row["example_id"]: row for row in good.iter_rows(named=True)}
                inputs[CONTINUES] = outputs["predictions"]
            with workspace.run("predict", params, inputs) as run:
                draft = Unfinished(workspace.root, key_of(params, inputs, code_version()), again=again)
                table, notes = _ask(arm, asked, pool, answerer, asking, draft, kept)
                if "adapter" in more:
                    notes["trained_on"] = trained_on(workspace, more["adapter"], examples, asked)
                if origin.tuning:
                    notes["tuning"] = dict(origin.tuning)
                run.outputs["predictions"] = workspace.put_table("predictions", table)
                run.outputs["notes"] = workspace.put_json("prediction-notes", notes)
            draft.forget()
            results.append(Predicted(arm.name, run.outputs["predictions"], run.run_id, notes, fresh=True))
    return results


def _recorded(
    workspace: Workspace, params: dict[str, object], inputs: dict[str, str]
) -> tuple[str, dict[str, str]] | None:
    """The run recorded for these settings or, where its failed rows were asked again, the last that did."""
    found = workspace.recorded("predict", params, inputs)
    seen: set[str] = set()
    while found and found[1]["predictions"] not in seen:
        seen.add(found[1]["predictions"])
        later = workspace.recorded("predict", params, {**inputs, CONTINUES: found[1]["predictions"]})
        if later is None:
            break
        found = later
    return found


def questions(examples: pl.DataFrame, asking: Asking) -> list[Solved]:
    """The questions of the split, in the dataset's order.

    A limit takes those with the lowest ids, which are digests: a sample that is the same each time
    and for each arm, and not the head of a file that may be sorted by label.
    """
    rows = examples.filter(pl.col("split") == asking.split)
    if not rows.height:
        found = sorted(examples["split"].drop_nulls().unique())
        raise ConfigError(
            f"this dataset has no {asking.split} rows",
            hint=f"it has {', '.join(found)}" if found else "seatrial split divides it",
        )
    if asking.limit is not None:
        if asking.limit < 1:
            raise ConfigError(f"--limit {asking.limit}: at least 1 is needed")
        kept = rows.sort("example_id").head(asking.limit).select("example_id")
        rows = rows.join(kept, on="example_id", how="semi", maintain_order="left")
    return list(queries(rows))


def trained_on(
    workspace: Workspace, adapter: str, examples: pl.DataFrame, asked: Sequence[Solved]
) -> int | None:
    """How many of the questions were among the adapter's training rows, by id or by content.

    None for an adapter whose training is not in this workspace.
    """
    for step in workspace.ledger.ancestry(adapter):
        inputs = workspace.ledger.run_artifacts(step["run_id"], "in")
        if step["kind"] == "train" and "dataset" in inputs:
            seen = workspace.examples(inputs["dataset"]).filter(pl.col("split") == "train")
            ids, contents = set(seen["example_id"]), set(seen["content_hash"])
            wanted = {each.query.example_id for each in asked}
            rows = examples.filter(pl.col("example_id").is_in(list(wanted)))
            pairs = rows.select("example_id", "content_hash").iter_rows()
            return sum(example_id in ids or content in contents for example_id, content in pairs)
    return None


def _must_have_train(pool: Pool, arm: Arm) -> None:
    if not pool.solved:
        raise ConfigError(
            f"the arm {arm.name} shows train examples, and this dataset has none",
            hint="seatrial split makes a train part; --arm base needs none",
        )


def _params(arm: Arm, asking: Asking, settings: dict[str, object]) -> dict[str, object]:
    """What the ledger keeps of a run: an instruction only by its name and digest."""
    asked = asdict(asking)
    asked["instruction"] = digest(asking.instruction) if asking.instruction else None
    return {"arm": arm.name, **settings_of(arm), **asked, **settings, "decoding": "greedy"}


def settings_of(arm: Arm) -> dict[str, object]:
    """An arm's settings as the ledger keeps them."""
    shown: dict[str, object] = asdict(arm)  # type: ignore[call-overload]  # every arm is a dataclass
    shown.pop("name", None)
    inner = shown.pop("rag", None)
    if isinstance(inner, dict):
        shown["rag"] = {**inner, "instruction": None}
    shown.pop("instruction", None)
    if arm.instruction:
        shown["prompt"] = {"name": arm.instruction.name, "digest": digest(arm.instruction.text)}
    return shown


def _ask(
    arm: Arm,
    asked: Sequence[Solved],
    pool: Pool,
    answerer: Answerer,
    asking: Asking,
    draft: Unfinished,
    kept: dict[str, Row],
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The table and the notes. `kept`: rows that an earlier run has, by id; they are not asked."""
    began = time.monotonic()
    if how := getattr(arm, "retrieval", None):
        pool.prepare(how, [each.query for each in asked])
    prompter = answerer.prompter(arm, pool, asking)
    prompts = [prompter.prompt(each.query) for each in asked]
    good = [prompt for prompt in prompts if prompt.error is None and prompt.example_id not in kept]
    rows = kept | {
        prompt.example_id: row_of(arm, prompt, finish_reason="error", error=prompt.error, prompt_hash=None)
        for prompt in prompts
        if prompt.error
    }
    with Progress(f"predict {arm.name}", total=len(good)) as progress:
        for part in answerer.rows(arm, good, pool, asking, draft):
            rows |= {row["example_id"]: row for row in part}
            progress.step(len(part))
    table = pl.DataFrame([rows[prompt.example_id] for prompt in prompts], schema=PREDICTIONS, orient="row")
    notes = _notes(arm, asked, prompts, prompter, table)
    notes |= {"kept": len(kept), "max_new_tokens": answerer.max_new_tokens(pool, asking)}
    return table, {**notes, "model": answerer.facts(), "seconds": time.monotonic() - began}


def row_of(arm: Arm, prompt: Prompt, **said: object) -> Row:
    """One row of PREDICTIONS; what is not said is null."""
    known = {"example_id": prompt.example_id, "arm": arm.name, "prompt_hash": prompt.hash}
    return {**dict.fromkeys(PREDICTIONS), **known, **said}


def _failures(table: pl.DataFrame) -> list[tuple[str, int]]:
    """The most frequent reasons for which there is no answer, with how many rows each cost."""
    counts = Counter(reason for reason in table["error"] if reason is not None)
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:FAILURES]


def _notes(
    arm: Arm, asked: Sequence[Solved], prompts: Sequence[Prompt], prompter: Prompter, table: pl.DataFrame
) -> dict[str, Any]:
    """What a reader should know of how the arm was asked. `recall` is None where nothing is shown."""
    task = prompter.pool.task
    told = [(each, p.shown) for each, p in zip(asked, prompts, strict=True) if p.error is None]
    recall = recall_at(task, told)
    return {
        "arm": arm.name,
        "questions": len(asked),
        "errors": table["error"].count(),
        "failures": _failures(table),
        "may_work": table.filter(MAY_WORK).height,
        "labels": len(task.labels),
        "label_alone": task.whole,
        "unknown_labels": sum(bool(each.label) and each.label not in task.labels for each in asked)
        if task.labels
        else 0,
        "shown_fewest": prompter.fewest,
        "shown_cut": prompter.cut,
        "instruction": prompter.dropped,
        "recall": list(recall.values())[-1] if recall else None,
        "recall_at": recall,
        "recall_by": kind(task),
    }
