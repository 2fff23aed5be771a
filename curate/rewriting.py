"""What becomes of one example's texts when values are taken out of them and edits put in."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from curate.example import KEY, pointers
from curate.redact import (
    Replacer,
    Span,
    at_pointer,
    cut_json,
    renamed_layout,
    renaming,
    with_pointer,
)
from curate.settle import Row

META = "meta:"
FIELDS = ("content", "name", "tool_calls", "tool_call_id")
WHOLE = ("chosen", "rejected", "label")


class Edit(NamedTuple):
    """A new text for one field of one example."""

    example_id: str
    message: int | None
    field: str
    text: str


def change(row: Row, what: str, **detail: object) -> tuple[object, ...]:
    """One row of the log of changes."""
    said = {name: value for name, value in detail.items() if value is not None}
    told = json.dumps(said, sort_keys=True)
    return (row["target"], what, row["check"], row["label"], row["finding_id"], row["reviewer"], told)


def _whole(value: str) -> str:
    """A pattern for a value that is no part of a longer word."""
    before = r"(?<!\w)" if value[0].isalnum() else ""
    after = r"(?!\w)" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


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
        spans: dict[tuple[int | None, str], list[Span]] = defaultdict(list)
        said: dict[tuple[int | None, str], Edit] = {}
        proposed: dict[tuple[int | None, str], list[Row]] = defaultdict(list)
        for row in rows:
            message, name = row["message"], row["field"] or "content"
            if row["decided"] == "edit" and row["edit"] is None:
                proposed[message, name].append(row)
                continue
            if row["decided"] == "edit":
                edit = edits[row["edit"] or ""]
                said[edit.message, edit.field] = edit
                changes.append(change(row, "edit", message=edit.message, field=edit.field))
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
        for place, found in proposed.items():
            changes += self._edited(place, found, said)
        for place in sorted({*spans, *said}, key=_turn):
            self.rewrite(place, spans.get(place, []), said.get(place))
        return changes

    def _edited(
        self, place: tuple[int | None, str], rows: Sequence[Row], said: dict[tuple[int | None, str], Edit]
    ) -> list[tuple[object, ...]]:
        """Put what findings propose for one field into `said`, unless a person said something else for it."""
        from curate.checks.quality import combined

        message, name = place
        text = self.text(message, name)
        if text is None or place in said:
            reason = "there is no such text to edit" if text is None else "a person's edit stands there"
            return [change(row, "ignored", reason=reason) for row in rows]
        new = combined(text, [json.loads(row["evidence"] or "{}") for row in rows])
        said[place] = Edit(str(self.example["example_id"]), message, name, new)
        return [change(row, "edit", message=message, field=name) for row in rows]

    def rewrite(self, place: tuple[int | None, str], spans: list[Span], edit: Edit | None) -> None:
        """Put the new text of one field in its place."""
        message, name = place
        old = self.text(message, name) or ""
        found = [(old[s.start : s.end], s.label) for s in spans]
        self.values |= {value for value, _ in found if value}
        replacer = (self.replacer.labels if place == (None, "label") else None) or self.replacer
        if edit is None:
            new = cut_json(old, spans, replacer)
        else:
            new = edit.text
            # the offsets belong to the old text: its values are taken out of the new one wherever they
            # stand as whole words, the longest first
            labels = {value: label for value, label in sorted(found) if value}
            if labels:
                longest = sorted(labels, key=lambda value: (-len(value), value))
                either = re.compile("|".join(map(_whole, longest)))
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
