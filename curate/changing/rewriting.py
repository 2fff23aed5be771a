"""What becomes of one example's texts when values are taken out of them and edits put in."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unicodedata import category

from curate.changing.redact import (
    Replacer,
    Span,
    at_pointer,
    cut_json,
    renamed_layout,
    renaming,
    with_pointer,
)
from curate.changing.settle import Row
from curate.example import KEY, pointers
from curate.formats.turns import shortened

Field = tuple[int | None, str]  # message index or None, name

META = "meta:"
FIELDS = ("content", "name", "tool_calls", "tool_call_id")
WHOLE = ("chosen", "rejected", "label")


class Place(NamedTuple):
    """A field of an example."""

    example_id: str
    message: int | None
    field: str


class Edit(NamedTuple):
    """A new text for one field of one example.

    `over` are the digests of the edits on top of which it was made, the last of them last: it has what
    they changed, as far as its author left it.
    """

    example_id: str
    message: int | None
    field: str
    text: str
    over: tuple[str, ...] = ()

    def said(self) -> dict[str, object]:
        """It as JSON holds it; one made on top of none says nothing of it, as those of before did."""
        told: dict[str, object] = dict(self._asdict())
        if not self.over:
            told.pop("over")
        return told

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Edit:
        """The edit that JSON holds."""
        return cls(**{**said, "over": tuple(said.get("over", ()))})


def place_of(edit: Edit) -> Place:
    """Where it is."""
    return Place(edit.example_id, edit.message, edit.field)


def tips(edits: Mapping[str, Edit]) -> list[str]:
    """Of edits of one field, by digest, those on top of which no other was made."""
    covered = {digest for edit in edits.values() for digest in edit.over}
    return sorted(set(edits) - covered)


def newest(edits: Mapping[str, Edit]) -> str | None:
    """The digest of the edit that has what all others of its field changed; None where they were made apart."""
    last = tips(edits)
    return last[0] if last and len({edits[digest].text for digest in last}) == 1 else None


def change(row: Row, what: str, **detail: object) -> tuple[object, ...]:
    """One row of the log of changes."""
    said = {name: value for name, value in detail.items() if value is not None}
    told = json.dumps(said, sort_keys=True)
    return (row["target"], what, row["check"], row["label"], row["finding_id"], row["reviewer"], told)


def _as_in(text: str, spans: Sequence[Span], value: str, label: str) -> str:
    """A pattern for a value of spans of a text, where it is to be looked for in another text.

    It is no part of a longer word, unless it was one in the text, can mean nothing else, or is of a
    script that sets no spaces between words.
    """
    found = [span for span in spans if text[span.start : span.end] == value]
    telling = _telling(label, value)
    open_before = telling or any(span.start and _in_word(text[span.start - 1]) for span in found)
    open_after = telling or any(_in_word(text[span.end : span.end + 1]) for span in found)
    before = "" if open_before or not _ends_words(value[0]) else r"(?<!\w)"
    after = "" if open_after or not _ends_words(value[-1]) else r"(?!\w)"
    return f"{before}{re.escape(value)}{after}"


def _in_word(character: str) -> bool:
    return re.match(r"\w", character) is not None


def _ends_words(character: str) -> bool:
    """Whether it is of a word that ends where no letter follows; letters without case may be of any."""
    return _in_word(character) and category(character) != "Lo"


def elsewhere(evidence: Mapping[str, Any], old: str, new: str) -> dict[str, object]:
    """What a finding proposes for a text, for another one: what it cuts where that stands there, once."""
    edit = dict(evidence.get("edit") or {})
    places = [
        (new.find(piece), len(piece)) for a, b in edit.get("cut", ()) if new.count(piece := old[a:b]) == 1
    ]
    if new != old:
        edit.pop("spelling", None)  # of the label that stood there: a person chose another
    return {"edit": {**edit, "cut": [[at, at + long] for at, long in places]}}


@dataclass
class Rewriting:
    """One example while its texts are changed; `values` collects what was redacted, for the caller's eyes."""

    example: dict[str, object]
    replacer: Replacer
    values: set[str] = field(default_factory=set)
    reasons: dict[str, Row] = field(default_factory=dict)  # a label to a decision that redacted such a value

    def carry_out(self, rows: Sequence[Row], edits: Mapping[str, Edit]) -> list[tuple[object, ...]]:
        """Do what the rows say and return the changes."""
        changes: list[tuple[object, ...]] = []
        spans: dict[Field, list[Span]] = defaultdict(list)
        edited: dict[Field, list[Row]] = defaultdict(list)
        proposed: dict[Field, list[Row]] = defaultdict(list)
        trimmed = [row for row in rows if row["decided"] == "edit" and not row["edit"] and _trims(row)]
        for row in rows:
            message, name = row["message"], row["field"] or "content"
            if row in trimmed:
                continue
            if row["decided"] == "edit":
                edit = edits[row["edit"]] if row["edit"] else None
                (edited[edit.message, edit.field] if edit else proposed[message, name]).append(row)
                continue
            text = self.text(message, name)
            if text is None:
                changes.append(change(row, "ignored", reason="there is no such text to redact"))
                continue
            start, end = row["start"] or 0, len(text) if row["end"] is None else row["end"]
            label = row["label"] or row["check"]
            spans[message, name].append(Span(start, end, label))
            self.reasons.setdefault(label, row)
            changes.append(change(row, "redact", message=message, field=name, start=start, end=end))
        new: dict[Field, str] = {}
        for place, found in edited.items():
            changes += self._edited(place, found, edits, new)
        for place, found in proposed.items():
            changes += self._repaired(place, found, new)
        for place in sorted({*spans, *new}, key=_turn):
            self.rewrite(place, spans.get(place, []), new.get(place))
        return changes + [self._trim(row) for row in trimmed]

    def _trim(self, row: Row) -> tuple[object, ...]:
        """Take a turn of the user's off, with all that follow, so that the row ends with an answer."""
        messages, first = self.example["messages"], row["message"]
        rest = messages[first:] if isinstance(messages, list) else []
        if not rest or any(message["role"] != "user" for message in rest):
            return change(row, "ignored", reason="there is no such end to take off")
        self.example["messages"] = messages[:first] if isinstance(messages, list) else []
        layout, meta = (json.loads(str(self.example[name] or "{}")) for name in ("layout", "meta"))
        for name, value in zip(("layout", "meta"), shortened(layout, meta, len(rest)), strict=True):
            self.example[name] = json.dumps(value, ensure_ascii=False)
        return change(
            row,
            "edit",
            message=first,
            field="content",
            reason="taken off: nothing answers it",
            turns=len(rest),
        )

    def _edited(
        self, place: Field, rows: Sequence[Row], edits: Mapping[str, Edit], new: dict[Field, str]
    ) -> list[tuple[object, ...]]:
        """Put what people wrote for one field into `new`: the text that has all their changes, if one has."""
        last = newest({row["edit"]: edits[row["edit"]] for row in rows if row["edit"]})
        if last is None:
            reason = "edits of this text were made apart, and none has what the others changed"
            return [change(row, "ignored", reason=reason) for row in rows]
        new[place] = edits[last].text
        return [change(row, "edit", message=place[0], field=place[1]) for row in rows]

    def _repaired(self, place: Field, rows: Sequence[Row], new: dict[Field, str]) -> list[tuple[object, ...]]:
        """Put what findings propose for one field into `new`, on top of what a person wrote for it."""
        from curate.checks.quality import combined

        message, name = place
        old = self.text(message, name)
        if old is None:
            return [change(row, "ignored", reason="there is no such text to edit") for row in rows]
        evidences = [json.loads(row["evidence"] or "{}") for row in rows]
        if place not in new:
            new[place] = combined(old, evidences)
            return [change(row, "edit", message=message, field=name) for row in rows]
        changes = []
        for row, evidence in zip(rows, evidences, strict=True):
            text = combined(new[place], [elsewhere(evidence, old, new[place])])
            reason = "a person's edit stands there, and has none of it" if text == new[place] else None
            changes.append(
                change(row, "ignored" if reason else "edit", message=message, field=name, reason=reason)
            )
            new[place] = text
        return changes

    def rewrite(self, place: Field, spans: list[Span], new: str | None) -> None:
        """Put the new text of one field in its place; None where only spans are taken out of the old one."""
        message, name = place
        old = self.text(message, name) or ""
        self.values |= {old[s.start : s.end] for s in spans if s.start < s.end}
        replacer = (self.replacer.labels if place == (None, "label") else None) or self.replacer
        if new is None:
            new = cut_json(old, spans, replacer)
        else:
            # the offsets belong to the old text: its values are taken out of the new one wherever they
            # stand, the longest first
            labels = {old[s.start : s.end]: s.label for s in sorted(spans, key=lambda s: s.label)}
            labels.pop("", None)
            if labels:
                longest = sorted(labels, key=lambda value: (-len(value), value))
                either = re.compile("|".join(_as_in(old, spans, value, labels[value]) for value in longest))
                new = either.sub(lambda hit: replacer(labels[hit[0]], hit[0]), new)
        self.put(message, name, new)

    def text(self, message: int | None, name: str) -> str | None:
        """The text of a field, None where there is none."""
        if message is not None:
            messages = self.example["messages"]
            if not isinstance(messages, list) or message >= len(messages):
                return None
            value = messages[message].get(name)
        elif name.startswith(META):
            value = at_pointer(json.loads(str(self.example["meta"] or "{}")), name.removeprefix(META))
        else:
            value = self.example.get(name)
        return value if isinstance(value, str) else None

    def put(self, message: int | None, name: str, text: str) -> None:
        """Let the field say `text`."""
        if message is not None:
            messages = self.example["messages"]
            if isinstance(messages, list):
                messages[message] = {**messages[message], name: text}
        elif name.startswith(META):
            pointer, meta = name.removeprefix(META), json.loads(str(self.example["meta"] or "{}"))
            changed = with_pointer(meta, pointer, text)
            self.example["meta"] = json.dumps(changed, ensure_ascii=False)
            if pointer.endswith(KEY):
                layout = json.loads(str(self.example["layout"] or "{}"))
                layout = renamed_layout(layout, *renaming(meta, changed, pointer))
                self.example["layout"] = json.dumps(layout, ensure_ascii=False)
        else:
            self.example[name] = text

    # the same value at another place

    def sweep(self, spared: set[str]) -> list[tuple[object, ...]]:
        """Take a value that was redacted out of the rest of the example too, and return the changes.

        Only values that are surely no word of another meaning: addresses, long numbers, keys and full
        names; and not those in `spared`, about which a person decided otherwise or has yet to. The label
        is left: it changes for what was found in it alone, as it then does in all rows of its class.
        """
        wanted = {
            value: label
            for label, value in sorted(self.replacer.everything())
            if _telling(label, value) and value not in spared and label in self.reasons
        }
        if not wanted:
            return []
        for value, label in list(wanted.items()):
            wanted |= dict.fromkeys(_in_json(value), label)
        places = [
            found
            for found in self._places()
            if found[0] != (None, "label") and any(value in found[1] for value in wanted)
        ]
        if not places:
            return []
        known = sorted(wanted, key=lambda value: (-len(value), value))
        pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, known))})(?![^\W_])")
        changes: list[tuple[object, ...]] = []
        for place, text in sorted(places, key=lambda found: _turn(found[0])):
            spans = [Span(*each.span(), wanted[each[0]]) for each in pattern.finditer(text)]
            if not spans:
                continue
            self.put(*place, cut_json(text, spans, self.replacer))
            for span in spans:
                why = "the same value stands here too"
                told = {"message": place[0], "field": place[1], "start": span.start, "end": span.end}
                changes.append(change(self.reasons[span.label], "redact", **told, reason=why))
        return changes

    def _places(self) -> Iterator[tuple[tuple[int | None, str], str]]:
        """Each place with its text, as they now are."""
        messages = self.example["messages"]
        for index, message in enumerate(messages if isinstance(messages, list) else ()):
            for name in FIELDS:
                if message[name]:
                    yield (index, name), message[name]
        for name in WHOLE:
            if self.example[name]:
                yield (None, name), str(self.example[name])
        for pointer, text in pointers(json.loads(str(self.example["meta"] or "{}"))):
            yield (None, META + pointer), text


def _trims(row: Row) -> bool:
    """Whether what a finding proposes is that a turn goes."""
    return "trim" in (json.loads(row["evidence"] or "{}").get("edit") or {})


def _in_json(value: str) -> set[str]:
    """How a value is written within JSON, and within JSON that stands in a string of JSON."""
    forms = {value}
    for _ in range(2):
        forms |= {json.dumps(each, ensure_ascii=only)[1:-1] for each in forms for only in (True, False)}
    return forms


def _telling(label: str, value: str) -> bool:
    """Whether a value can mean nothing else where it stands again."""
    digits = sum(each.isdigit() for each in value)
    full_name = label == "PERSON" and len(value.split()) > 1
    key = label.startswith("SECRET_") and len(value) >= 8
    return ("@" in value and len(value) > 5) or digits >= 7 or full_name or key


def _turn(place: tuple[int | None, str]) -> tuple[bool, int, int, str]:
    """Where a place comes in the order of rewriting: keys last and from below, as they are parts of paths."""
    message, name = place
    is_key = name.startswith(META) and name.endswith(KEY)
    return is_key, -name.count("/") if is_key else 0, -1 if message is None else message, name
