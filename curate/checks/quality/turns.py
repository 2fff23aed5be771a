"""Turns and instructions that run into a text to which they do not belong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.quality.text import (
    ANSWER,
    DIALOGUE_WORDS,
    SPOKEN,
    Problem,
    Rule,
    Text,
    fences,
    said,
    tail,
    within,
)

# tokens of chat templates

_TOKEN = re.compile(
    r"<[|｜](?:im_start|start_header_id)[|｜]>(?:[ \t]*(?:system|user|assistant|tool)\b)?(?:<\|end_header_id\|>)?\s?"
    r"|<[|｜](?:im_end|im_sep|endoftext|eot_id|eom_id|end_header_id|begin_of_text|end_of_text|system|user|assistant|end|pad|python_tag|endofprompt|begin▁of▁sentence|end▁of▁sentence|User|Assistant)[|｜]>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>(?:[ \t]*(?:user|model)\b)?|<(?:bos|eos|pad|unk)>|(?:\A\s*<s>)|</s>(?=\s*\Z)"
)
_NEXT_TURN = re.compile(
    r"<[|｜](?:im_start[|｜]>[ \t]*user|start_header_id[|｜]>[ \t]*user|user[|｜]>|User[|｜]>)|\[INST\]|<start_of_turn>[ \t]*user"
)
_ABOUT_TOKENS = re.compile(
    r"special token|chat template|prompt template|tokeni[sz]er|<\|im_|\[INST\]|<s>|fine-?tun", re.IGNORECASE
)


def _tokens(text: Text) -> Iterator[Problem]:
    """Special tokens that stand in the text as words, and what follows if they open another turn."""
    if (text.role == "user" and _ABOUT_TOKENS.search(_TOKEN.sub("", text.text))) or _ABOUT_TOKENS.search(
        text.asked
    ):
        return
    hidden = fences(text.text)
    spans = [found.span() for found in _TOKEN.finditer(text.text) if not within(found.start(), hidden)]
    if not spans:
        return
    cuts = list(spans)
    following = _NEXT_TURN.search(text.text)
    if text.role == "assistant" and following and text.text[: following.start()].strip():
        cuts.append(tail(text.text, following.start()))
    reason = "tokens of a chat template stand in the text"
    yield Problem("template-token", *spans[0], 0.9, reason, "edit", {"cut": cuts}, {"places": len(spans)})


# another turn or another instruction behind the answer

_OTHER_TURN = re.compile(
    r"^[ \t]*(?:[#*]{1,4} ?)?(?P<who>User|Human|USER|HUMAN|用户|问)[ \t]*\d{0,2}[ \t]*(?:\*\*)?[:：]",
    re.MULTILINE,
)
_OWN_MARK = re.compile(
    r"\A\s*(?:[#*]{1,4} ?)?(?:Assistant|ASSISTANT|AI|ChatGPT|GPT-?\d?|Bot|BOT|Claude|Response|RESPONSE|Answer|Output|OUTPUT|助手|回答|输出)[ \t]*(?:\*\*)?[:：][ \t*]*\n?"
)
_FIELD = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]*)?(?P<number>\d{1,3}[ \t]*[.):][ \t]*)?(?:#{1,6}[ \t]*|\*\*)?(?P<name>instructions?|inputs?|outputs?|response|task|指令|输入|输出)[ \t]*\d{0,2}[ \t]*(?:\*\*)?[:：]",
    re.IGNORECASE | re.MULTILINE,
)
# a question that a dataset's own marks open, and its answer
_PAIR = re.compile(
    r"^[ \t]*(?:\*\*)?(?:Q|Question|问题?)[ \t]?\d{0,3}[ \t]?(?:\*\*)?[:：][^\n]{4,400}\n\s*(?:\*\*)?(?:A|Answer|答案?)[ \t]?\d{0,3}[ \t]?(?:\*\*)?[:：]",
    re.MULTILINE,
)
_FAQ = re.compile(
    r"\bfaqs?\b|\bq ?& ?a\b|\bquestions\b|\bquiz|\binterview|问答|\briddles?\b|\bflash ?cards?\b|\bexam\b",
    re.IGNORECASE,
)
_MARK_LINE = re.compile(r"[ \t]*(?:[#=*/_~.-]{2,}|\d{1,3}[.)]?)[ \t]*")


def _another(text: Text) -> Iterator[Problem]:
    """A second instruction with its answer, or the user's next words, behind the answer."""
    hidden = fences(text.text)
    fields = [found for found in _FIELD.finditer(text.text) if not within(found.start(), hidden)]
    names = [found["name"].casefold().rstrip("s") for found in fields]
    opens = [at for at, name in enumerate(names) if name in ("instruction", "task", "指令")]
    for at in opens:
        before, rest = text.text[: fields[at].start()], set(names[at + 1 :])
        closed = rest & {"output", "response", "输出"}
        numbered = fields[at]["number"] and (closed or rest & {"input", "输入"})
        if before.strip() and (closed or numbered) and (numbered or not DIALOGUE_WORDS.search(text.asked)):
            start = _without_marks(before)
            yield _cut("merged-instruction", text, start, 0.95, "another instruction and its answer follow")
            return
    found = _OTHER_TURN.search(text.text)
    if found and text.text[: found.start()].strip() and not _is_dialogue(text):
        yield _cut("turn-in-answer", text, found.start(), 0.7, "the user's next words follow the answer")
    elif pair := _pair(text):
        yield _cut("merged-instruction", text, pair.start(), 0.8, "another question and its answer follow")
    elif (
        (own := _OWN_MARK.match(text.text))
        and not _is_dialogue(text)
        and own.group().strip(" *#:：\n").casefold() not in text.asked.casefold()
    ) and len(text.text) > own.end():
        span = own.span()
        yield Problem(
            "turn-mark", *span, 0.6, "the answer begins with its speaker's name", "edit", {"cut": [span]}
        )


def _pair(text: Text) -> re.Match[str] | None:
    """A question with its answer behind one that is finished; in a list of questions they belong."""
    found = _PAIR.search(text.text)
    if not found or _is_dialogue(text) or _FAQ.search(text.asked):
        return None
    before = text.text[: found.start()].rstrip()
    if not before or before[-1] in ":：" or _FAQ.search(before):
        return None
    return found


def _without_marks(text: str) -> int:
    """How long a text is without the lines at its end that hold nothing but a mark or a number."""
    lines = text.split("\n")
    end, length = len(text), len(text)
    for line in reversed(lines):
        begin = end - len(line)
        if _MARK_LINE.fullmatch(line):
            length = begin
        elif line.strip():
            break
        end = begin - 1
    return length if length == len(text) else len(text[:length].rstrip())


def _is_dialogue(text: Text) -> bool:
    """Whether speakers belong into the answer: the question asks for them or several lines have one."""
    speakers = re.findall(
        r"^[ \t]*(?:[#*]{1,4} ?)?[A-Z][\w .'-]{0,25}(?:\*\*)?[:：]", text.text, re.MULTILINE
    )
    return bool(DIALOGUE_WORDS.search(text.asked)) or len(speakers) > 2


def _cut(label: str, text: Text, start: int, score: float, reason: str) -> Problem:
    """A finding that proposes to end the text here."""
    span = tail(text.text, start)
    return Problem(label, *span, score, reason, "edit", {"cut": [span]})


RULES = (
    Rule(SPOKEN & said(r"<[|｜]|\[/?inst\]|<</?sys>>|_of_turn>|<(bos|eos|pad|unk|s)>|</s>"), _tokens),
    Rule(
        ANSWER
        & said(
            r"(instruction|input|output|response|task|user|human|指令|输入|输出|用户|问|q|question)s?[ \t]*\d{0,2}[ \t]*(\*\*)?[:：]|\A\s*(#|\*){0,4} ?(assistant|ai|chatgpt|gpt-?\d?|bot|claude|response|answer|output|助手|回答|输出)[ \t]*(\*\*)?[:：]"
        ),
        _another,
    ),
)
