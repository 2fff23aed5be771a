"""Which text replaces which value: settled for a whole dataset before the first text is cut."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from curate.changing.redact import KEYED, Replacer, Scope, Style
from curate.changing.rewriting import Edit, Rewriting
from curate.changing.settle import Row
from curate.pseudonyms import Book, Real, digest_of, fingerprint, identity

Texts = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Action:
    """How values are replaced. `key` is for the styles of KEYED and is shown nowhere."""

    style: Style = "placeholder"
    numbered: bool = False
    scope: Scope = "conversation"
    key: bytes = field(default=b"", repr=False)

    @property
    def keyed(self) -> bool:
        """Whether it needs a key."""
        return self.style in KEYED

    def params(self) -> dict[str, object]:
        """What the ledger records: of the key no more than its fingerprint."""
        said: dict[str, object] = {"style": self.style, "numbered": self.numbered}
        if self.keyed:
            said["key"] = fingerprint(self.key)
        if self.style == "pseudonym":
            said["scope"] = self.scope
        return said


@dataclass
class Replacing:
    """What is known of all values before any is replaced."""

    action: Action
    values: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # by scope
    real: Real = field(default_factory=Real)
    spared: dict[str, set[str]] = field(default_factory=dict)  # by example: values that are to stay
    book: tuple[str, Book] | None = None  # of the scope that was asked for last
    classes: list[tuple[str, str]] = field(default_factory=list)  # values found in labels, in any row
    of_labels: Book | None = None

    @classmethod
    def over(
        cls, rows: pl.DataFrame, texts: Texts, edits: Mapping[str, Edit], review: pl.DataFrame, action: Action
    ) -> Replacing:
        """Look through the rows that will be rewritten; the review tells what else is real."""
        made = cls(action)
        made.spared = _undecided(rows, review)
        if action.style != "pseudonym" and not action.numbered:
            return made
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        classes: set[tuple[str, str]] = set()
        for example in rows.iter_rows(named=True):
            of_label = Replacer("remove")
            dry = Rewriting(example, Replacer("remove", labels=of_label))
            dry.carry_out(texts[example["example_id"]], edits)
            found[made.scope_of(example)] |= set(dry.replacer.everything())
            classes |= set(of_label.done)
        made.classes = sorted(classes)
        made.values = {scope: sorted(pairs) for scope, pairs in found.items()}
        others = {("", value) for values in made.spared.values() for value in values}
        made.real = Real.of([*others, *(pair for pairs in found.values() for pair in pairs)])
        return made

    def scope_of(self, example: Mapping[str, object]) -> str:
        """The name of the scope that a row belongs to."""
        if self.action.scope == "dataset":
            return "dataset"
        own = f"example {example['example_id']}"
        grouped = self.action.scope == "group" and example["group"]
        return f"group {example['group']}" if grouped else own

    def replacer(self, example: Mapping[str, object]) -> Replacer:
        """What replaces the values of one row."""
        action = self.action
        if action.style == "hash":
            return Replacer(action.style, keyed=self._hash, labels=Replacer(action.style, keyed=self._hash))
        if action.style == "pseudonym":
            scope = self.scope_of(example)
            if self.book is None or self.book[0] != scope:
                self.book = scope, Book(action.key, scope, self.real).learn(self.values.get(scope, ()))
            labels = Replacer(action.style, keyed=self._of_labels().fake)
            return Replacer(action.style, keyed=self.book[1].fake, labels=labels)
        return Replacer(action.style, numbered=action.numbered, labels=self._numbered())

    def _of_labels(self) -> Book:
        """The fakes of all labels: of one scope, or two rows of a class would be of two classes."""
        if self.action.scope == "dataset" and self.book is not None:
            return self.book[1]
        if self.of_labels is None:
            self.of_labels = Book(self.action.key, "labels", self.real).learn(self.classes)
        return self.of_labels

    def _numbered(self) -> Replacer:
        """A replacer for labels that counts their values in the order of the whole dataset's."""
        made = Replacer(self.action.style, numbered=self.action.numbered)
        for label, value in self.classes:
            made(label, value)
        made.done.clear()
        return made

    def _hash(self, label: str, value: str) -> str:
        """Equal for all ways to write one value, in all versions: it depends on the key alone."""
        return f"[{label}_{digest_of(self.action.key, *identity(label, value))}]"


def _undecided(rows: pl.DataFrame, review: pl.DataFrame) -> dict[str, set[str]]:
    """Values that a check wants redacted and nobody has decided to, by the rows that will be rewritten."""
    other = pl.col("decided").is_null() | (pl.col("decided") == "keep")
    named = pl.col("start").is_not_null() & (pl.col("action") == "redact") & other
    spans: dict[str, list[Row]] = defaultdict(list)
    for row in review.filter(named).iter_rows(named=True):
        spans[row["example_id"]].append(row)  # type: ignore[arg-type]
    spared: dict[str, set[str]] = {}
    wanted = rows.filter(pl.col("example_id").is_in(list(spans))) if spans else rows.clear()
    for example in wanted.iter_rows(named=True):
        texts = Rewriting(example, Replacer())
        values = spared.setdefault(example["example_id"], set())
        for span in spans[example["example_id"]]:
            text = texts.text(span["message"], span["field"] or "content")
            if text is not None:
                values.add(text[span["start"] or 0 : span["end"]])
    return spared


@dataclass
class Trace:
    """What applying leaves for others: the rows as they were, for a vault, and the fakes, for the next scan."""

    keep_rows: bool = False
    rows: dict[str, dict[str, object]] = field(default_factory=dict)  # by example id: without the redactions
    fakes: dict[str, set[str]] = field(default_factory=dict)  # by example id
    told: dict[tuple[str, str, str], str] = field(default_factory=dict)  # (example, label, value) to its fake

    def note(
        self,
        before: dict[str, object],
        rewriting: Rewriting,
        rows: Sequence[Row],
        edits: Mapping[str, Edit],
    ) -> None:
        """Keep what one row said and what stands for it now."""
        example = str(before["example_id"])
        if rewriting.replacer.keyed is not None:
            own, labels = rewriting.replacer, rewriting.replacer.labels
            self.fakes[example] = {*own.done.values(), *(labels.done.values() if labels else ())}
        if self.keep_rows and rewriting.replacer.everything():
            edited = Rewriting(before, Replacer())
            edited.carry_out([row for row in rows if row["decided"] == "edit"], edits)
            self.rows[example] = json.loads(json.dumps(edited.example))
            told = rewriting.replacer.everything()
            self.told |= {(example, *pair): fake for pair, fake in told.items()}

    def groups(self, kept: pl.DataFrame, clean: pl.DataFrame) -> None:
        """Keep the rows whose group got another name, though nothing else of them changed."""
        if not self.keep_rows:
            return
        renamed = kept.filter(clean["group"].ne_missing(kept["group"]))
        for example in renamed.drop("position").iter_rows(named=True):
            self.rows.setdefault(example["example_id"], example)
