"""What a finding proposes as the new text: cuts and named repairs, computed when they are asked for.

The evidence holds places and names of repairs, never the text: `{"edit": {"cut": [[10, 52]]}}` or
`{"edit": {"repair": "mojibake"}}`, or for a label the places of its capitals: `{"edit": {"spelling": [0]}}`.
The same text and evidence give the same new text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping

from curate.checks.quality.encoding import without_controls, without_invisible
from curate.checks.quality.escapes import unescaped_letters
from curate.checks.quality.mojibake import repaired
from curate.checks.quality.tags import shielded, unshielded
from curate.checks.spelling import spelt
from curate.errors import ConfigError

_UNSEEN = re.compile(
    r"<(script|style|noscript|template|head)(?:\s[^<>]*)?>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
# Of these the blanks around go too. They are trimmed around each match: a pattern that begins with blanks
# would be tried at each blank of a long run of them
_BREAK = re.compile(r"<br(?:\s[^<>]*)?/?>[ \t]*\n?", re.IGNORECASE)
_BLOCK = re.compile(
    r"</?(?:p|div|h[1-6]|ul|ol|dl|table|blockquote|section|article|main|aside|figure|hr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ONE_ROW = r"</?(?:tr|tbody|thead|tfoot|figcaption|caption|d[td])(?:\s[^<>]*)?>"
_ROW = re.compile(rf"{_ONE_ROW}(?:\s*{_ONE_ROW})*", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]\s*>\s*<t[dh](?:\s[^<>]*)?>", re.IGNORECASE)
_ITEM = re.compile(r"<li(?:\s[^<>]*)?>", re.IGNORECASE)
_ITEM_END = re.compile(r"</li\s*>\s*(?=<)", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:p|br|b|i|u|em|strong|span|div|font|center|ul|ol|li|h[1-6]|a|small|big|sup|sub|blockquote|hr|img|table|tbody|thead|tr|td|th)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_SUPER = re.compile(r"<sup>([0-9+-]{1,4})</sup>", re.IGNORECASE)
_SUB = re.compile(r"<sub>([0-9+-]{1,4})</sub>", re.IGNORECASE)
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
_BBCODE = re.compile(
    r"\[/?(?:b|i|u|s|url|img|quote|code|color|size|list|center|spoiler)(?:=[^\]\n]{0,300})?\]", re.IGNORECASE
)
_WIKI_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]+)\]\]")
_LONG_NUMBER = re.compile(r"&#([0-9]{20,})")  # of so many digits that int() may refuse it


def printed(text: str) -> str:
    """The text without what a browser never shows: scripts, styles, heads and comments."""
    return _UNSEEN.sub("", text)


def without_tags(text: str) -> str:
    """HTML as plain text: blocks, breaks, rows and items become lines, and other tags go.

    Cells are parted by ` | `, small figures stay small, and `a<b>c` stays. What a browser never shows goes with its contents.
    """
    text = printed(shielded(text))
    text = _SUPER.sub(lambda m: m[1].translate(_RAISED), _SUB.sub(lambda m: m[1].translate(_LOWERED), text))
    text = _trimmed(_ITEM_END, "", _trimmed(_CELL, " | ", text), after=False)
    lines = _trimmed(_ROW, "\n", _trimmed(_BLOCK, "\n\n", _trimmed(_ITEM, "\n- ", text)))
    lines = _trimmed(_BREAK, "\n", lines, blanks=" \t", after=False)
    plain = unescaped(_TAG.sub("", lines))
    plain = "\n".join(line.rstrip(" \t") for line in re.sub(r"\n{3,}", "\n\n", plain).split("\n"))
    return unshielded(plain).strip()


def _trimmed(
    pattern: re.Pattern[str], new: str, text: str, *, blanks: str | None = None, after: bool = True
) -> str:
    """`new` for each match and the blanks before it, and after it too unless the pattern takes those itself."""
    kept, at = [], 0
    for found in pattern.finditer(text):
        part = text[at : found.start()].rstrip(blanks)
        kept += [part.lstrip(blanks) if after and at else part, new]
        at = found.end()
    rest = text[at:]
    return "".join([*kept, rest.lstrip(blanks) if after and at else rest])


def unescaped(text: str) -> str:
    """The characters that HTML's entities stand for, numbers of any length among them."""
    return html.unescape(_LONG_NUMBER.sub(lambda m: "&#" + (m[1].lstrip("0")[:20] or "0"), text))


def without_bbcode(text: str) -> str:
    """The text without forum marks."""
    return _BBCODE.sub("", text)


def without_wiki(text: str) -> str:
    """The words of wiki links, headings and emphasis."""
    lines = _WIKI_LINK.sub(r"\1", text).split("\n")
    heads = "\n".join(_heading(line) if line.startswith("==") else line for line in lines)
    return re.sub(r"'{3}(.+?)'{3}", r"\1", heads)


def _heading(line: str) -> str:
    """The words of a wiki's heading: between two to six `=` on both sides; another line as it is."""
    whole = line.rstrip(" \t")
    first = len(whole) - len(whole.lstrip("="))
    for size in range(min(first, 6), 1, -1):
        words = whole[size:-size]
        if len(whole) > 2 * size and whole.endswith("=" * size):
            return words.strip(" \t") or words[-1]
    return line


def unwrapped(text: str) -> str:
    """The one long string inside a JSON object; the text itself where there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    strings = [item for item in value.values() if isinstance(item, str)] if isinstance(value, dict) else []
    return max(strings, key=len) if strings else text


KINDS = frozenset({"cut", "repair", "spelling", "trim"})

# in the order in which they are carried out where one text needs several
REPAIRS: dict[str, Callable[[str], str]] = {
    "mojibake": repaired,
    "controls": without_controls,
    "invisible": without_invisible,
    "json": unwrapped,
    "escapes": unescaped_letters,
    "entities": unescaped,
    "tags": without_tags,
    "bbcode": without_bbcode,
    "wiki": without_wiki,
}


def without(text: str, spans: Iterable[Iterable[int]]) -> str:
    """The text without these spans, which may overlap; nothing else of it changes."""
    kept, at = [], 0
    for start, end in sorted(tuple(span) for span in spans):
        kept.append(text[at : max(at, start)])
        at = max(at, end)
    return "".join([*kept, text[at:]])


def well_formed(edit: object) -> bool:
    """Whether an edit has the form that `combined` can carry out; that of another's check may have any."""
    if not isinstance(edit, Mapping) or not edit or not set(edit) <= KINDS:
        return False
    cut, spelling = edit.get("cut", []), edit.get("spelling", [])
    return (
        isinstance(cut, list)
        and all(isinstance(span, list) and len(span) == 2 and _places(span) for span in cut)
        and edit.get("trim", True) is True
        and isinstance(edit.get("repair", ""), str)
        and ("repair" not in edit or edit["repair"] in REPAIRS)
        and isinstance(spelling, list)
        and _places(spelling)
    )


def _places(found: list[object]) -> bool:
    return all(type(each) is int for each in found)


def combined(text: str, evidences: Iterable[Mapping[str, object]]) -> str:
    """The text after all the edits that these findings' evidences propose for it.

    Spans are cut first, for they are places in the text as it stands; then come the repairs, in one
    order, each once, and last a label's spelling. Of a turn that is taken off (`trim`) nothing is left.
    Evidence without an edit changes nothing. Raises ConfigError for an edit that is not known.
    """
    spans: list[Iterable[int]] = []
    repairs: set[str] = set()
    spellings: list[list[int]] = []
    for evidence in evidences:
        edit = evidence.get("edit") or {}
        if not isinstance(edit, Mapping) or not set(edit) <= KINDS:
            raise ConfigError(
                f"the edit {edit!r} is not known", hint=f"it has one of {', '.join(sorted(KINDS))}"
            )
        if "trim" in edit:
            return ""
        spans += edit.get("cut", [])
        if "repair" in edit:
            repairs.add(str(edit["repair"]))
        if "spelling" in edit:
            spellings.append(edit["spelling"])
    if strangers := repairs - set(REPAIRS):
        raise ConfigError(f"there is no repair `{min(strangers)}`", hint=f"one of {', '.join(REPAIRS)}")
    new = without(text, spans)
    for name, repair in REPAIRS.items():
        new = repair(new) if name in repairs else new
    for capitals in spellings:
        new = spelt(new, capitals)
    return new


def proposed(text: str, finding: Mapping[str, object]) -> str | None:
    """The new text that one finding proposes for the field that it names; None where it proposes none.

    `finding` is a row of a review; its `evidence` may be the JSON text or the object.
    """
    evidence = finding.get("evidence") or {}
    told = json.loads(evidence) if isinstance(evidence, str) else evidence
    if not isinstance(told, Mapping) or "edit" not in told:
        return None
    return combined(text, [told])
