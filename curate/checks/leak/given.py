"""Prompts that give their own answer away."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from curate.checks.wording import normalise

# words that announce an answer, and what they announce up to the end of the line
_TOLD = re.compile(
    # runs of white space are bounded, else a text of nothing else takes time with the square of its length
    r"(?im)(?:^|[\s(\[])(?P<mark>(?:the[ \t]{1,3})?(?:correct|right|expected|gold|reference|final)?[ \t]{0,3}"
    r"(?:answer|label|category|class|intent|solution|output)(?:[ \t]{1,3}is)?[ \t]{0,3}[:=]|####)"
    r"[ \t]{0,9}(?P<value>\S.{0,200}?)[ \t]{0,9}$"
)
_FINAL = re.compile(r"####[ \t]{0,9}(-?[\d.,]+)\s{0,9}\Z")
# tasks whose answer is taken from what was given: there it must stand in the prompt
_TAKES = re.compile(
    r"(?i)\b(?:extract|find|identify|which|select|choose|pick|classif\w*|categori\w*|list|quote|highlight|copy|repeat|"
    r"rewrite|rephrase|paraphrase|reword|correct|edit|proofread|fix|improve|format|sort|order|arrange|rank|reverse|"
    r"translate|summari[sz]e|shorten|simplify|complete|fill|continue|convert|capitali[sz]e|remove|replace|insert|add|"
    r"join|merge|combine|punctuat\w*|spell\w*|grammar|who|what|where|when|code|function|given|following|above|below|based)\b"
)
LONG = 8  # words of an answer that does not stand in a prompt by chance
HALF = 0.5  # of the prompt's words, that the answer is: then the prompt is little else


def given_away(
    question: str, answer: str, label: str | None, normal: Callable[[str], str] = normalise
) -> str | None:
    """Why a prompt gives the answer away, as evidence; None if it does not.

    Either it announces it ("Answer: 18", "label = refund", "#### 18") exactly once, more of these being
    worked examples; or a long answer stands in it word for word and is most of it, and nothing asks to
    take the answer from the text. What only holds the answer somewhere, as a passage, a list of options
    or a text to correct does, is no leak.
    `normal` is `normalise`, which may know the normal forms already.
    """
    marked = "#" in question or ":" in question or "=" in question
    told = list(_TOLD.finditer(question)) if marked else []
    if len(told) == 1:
        values = (answer, label or "", *_FINAL.findall(answer))
        if normal(told[0]["value"]) in {normal(text) for text in values if text and text.strip()}:
            return json.dumps({"answer": "announced", "mark": " ".join(told[0]["mark"].lower().split())})
    said, asked = normal(answer), normal(question)
    words = said.count(" ") + 1  # a normal form has one space between two words
    if words < LONG or words < HALF * (asked.count(" ") + 1) or said not in asked:
        return None
    rest = asked.replace(said, " ")
    if not rest.strip() or _TAKES.search(rest):
        return None
    return json.dumps({"answer": "verbatim", "share": round(len(said) / len(asked), 2)})
