"""Turns, instructions and letters that run into a text to which they do not belong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.quality.text import (
    ANSWER,
    DIALOGUE_WORDS,
    LETTER_WORDS,
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
_BETWEEN = re.compile(r"(?:\s*^[ \t]*(?:[#=*/_~.-]{2,}|\d{1,3}[.)]?)[ \t]*$)+\s*\Z", re.MULTILINE)


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
            start = len(_BETWEEN.sub("", before))
            yield _cut("merged-instruction", text, start, 0.95, "another instruction and its answer follow")
            return
    found = _OTHER_TURN.search(text.text)
    if found and text.text[: found.start()].strip() and not _is_dialogue(text):
        yield _cut("turn-in-answer", text, found.start(), 0.7, "the user's next words follow the answer")
    elif (
        (own := _OWN_MARK.match(text.text))
        and not _is_dialogue(text)
        and own.group().strip(" *#:：\n").casefold() not in text.asked.casefold()
    ) and len(text.text) > own.end():
        span = own.span()
        yield Problem(
            "turn-mark", *span, 0.6, "the answer begins with its speaker's name", "edit", {"cut": [span]}
        )


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


# letters

_SENT_FROM = re.compile(
    r"^[ \t]*(?:sent from my \w+[^\n]{0,40}|get outlook for \w+[^\n]{0,40}|(?:von meinem|gesendet von) \w+[^\n]{0,40} gesendet|envoyé de mon \w+[^\n]{0,30}|enviado desde mi \w+[^\n]{0,30}|发自我的\s?\w+)[ \t.]*$",
    re.IGNORECASE | re.MULTILINE,
)
_DASHES = re.compile(r"^-- ?$\n(?:[^\n]{0,120}(?:\n|\Z)){1,8}\Z", re.MULTILINE)
_NOTICE = re.compile(
    r"^[^\n]{0,40}\b(?:this|the (?:information|content)\w* (?:contained )?(?:in|of) this) (?:e-?mail|message|communication)\b[^\n]{0,120}\b(?:confidential|privileged|intended (?:only|solely|recipient)|may contain)\b",
    re.IGNORECASE | re.MULTILINE,
)
_CONTACT = re.compile(
    r"(?:\+?\d[\d ()./-]{7,}\d|[\w.+-]+@[\w-]+\.\w+|(?:https?://|www\.)\S+|\b(?:tel|phone|mobile|fax|cell|mob)\b[.:]|\b(?:manager|director|engineer|consultant|officer|ltd|inc|gmbh|llc)\b)",
    re.IGNORECASE,
)
_REGARDS = re.compile(
    r"^[ \t]*(?:(?:best|kind|warm|many|with (?:best|kind|warm))? ?regards|best wishes|sincerely(?: yours)?|yours (?:sincerely|truly|faithfully)|cheers|thanks|thank you|many thanks|mit freundlichen grüßen|cordialement|saludos(?: cordiales)?|best)[,.!]?[ \t]*\n",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(
    r"^[ \t]*(?:on [^\n]{6,120}(?:\n[^\n]{0,80})? wrote:|am [^\n]{6,120} schrieb[^\n]{0,80}:|le [^\n]{6,120} a écrit ?:|el [^\n]{6,120} escribió:|(?:il|em|op) [^\n]{6,120} (?:ha scritto|escreveu|schreef)[^\n]{0,60}:|在\s?[^\n]{4,80}写道[:：]"
    r"|-{2,}[ \t]*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine|mensaje original)[ \t]*-{2,}|_{10,}[ \t]*\n+(?=[ \t]*from:)|from:[^\n]{2,100}\n(?:[ \t]*(?:sent|date|to|cc|subject):[^\n]{0,200}\n){2,})",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTE_LINES = re.compile(r"(?:[ \t]*\n)*(?:[ \t]*>[^\n]*(?:\n|\Z))+")


def _letters(text: Text) -> Iterator[Problem]:
    """What mail programs put below or above a letter, in what is asked and in what is answered."""
    body = text.text
    asks = LETTER_WORDS.search(text.asked) if text.role == "assistant" else _TASK_ON_MAIL.search(body)
    if found := _QUOTED.search(body):
        quoted = _QUOTE_LINES.match(body, found.end())
        below = bool(quoted and body[quoted.end() :].strip())
        span = (found.start(), quoted.end()) if quoted and below else tail(body, found.start())
        if body[: span[0]].strip() or below:
            yield _cut_mail(
                "quoted-reply", span, 0.5 if asks else 0.85, "an earlier letter is quoted", cut=not asks
            )
            body = body[: span[0]] if not below else body
    for pattern, score, reason in (
        (_SENT_FROM, 0.9, "a line that a mail program adds"),
        (_DASHES, 0.8, "a signature below two dashes"),
        (_NOTICE, 0.8, "a notice that firms put below letters"),
    ):
        if (found := pattern.search(body)) and body[: found.start()].strip():
            span = (
                tail(body, found.start())
                if pattern is not _SENT_FROM or not body[found.end() :].strip()
                else found.span()
            )
            span = span if span[1] <= len(body) else (span[0], len(body))
            yield _cut_mail("mail-signature", span, score, reason, cut=not asks or pattern is _SENT_FROM)
            return
    if not asks and (found := _REGARDS.search(body)):
        lines = [line for line in body[found.end() :].split("\n") if line.strip()]
        if (
            2 <= len(lines) <= 9
            and sum(bool(_CONTACT.search(line)) for line in lines) >= 2
            and max(map(len, lines)) < 120
        ):
            span = tail(body, found.start())
            yield _cut_mail("mail-signature", span, 0.7, "a closing with an address block", cut=True)


_TASK_ON_MAIL = re.compile(
    r"\b(?:summari[sz]e|rewrite|edit|extract|classify|identify|proofread|translate|parse|analy[sz]e|improve|reply to|respond to|following|below|this) (?:\w+ ){0,4}(?:e-?mails?|letters?|messages?|threads?|signatures?)\b",
    re.IGNORECASE,
)


def _cut_mail(label: str, span: tuple[int, int], score: float, reason: str, *, cut: bool) -> Problem:
    """A finding that proposes to cut, or to look where the row may be about letters."""
    if cut:
        return Problem(label, *span, score, reason, "edit", {"cut": [span]})
    return Problem(label, *span, min(score, 0.5), reason)


RULES = (
    Rule(SPOKEN & said(r"<[|｜]|\[/?inst\]|<</?sys>>|_of_turn>|<(bos|eos|pad|unk|s)>|</s>"), _tokens),
    Rule(
        ANSWER
        & said(
            r"(instruction|input|output|response|task|user|human|指令|输入|输出|用户|问)s?[ \t]*\d{0,2}[ \t]*(\*\*)?[:：]|\A\s*(#|\*){0,4} ?(assistant|ai|chatgpt|gpt-?\d?|bot|claude|response|answer|output|助手|回答|输出)[ \t]*(\*\*)?[:：]"
        ),
        _another,
    ),
    Rule(
        SPOKEN
        & said(
            r"wrote:|schrieb|a écrit|escribió:|ha scritto|escreveu|schreef|写道|original message|forwarded message|ursprüngliche|d'origine|mensaje original|from:[^\n]+\n\s*(sent|date|to):|sent from my|get outlook|gesendet|envoyé de|enviado desde|发自我的|\n-- ?\n|(this|of) (e-?mail|message|communication)|(regards|wishes|sincerely|truly|faithfully|cheers|thanks|thank you|grüßen|cordialement|saludos|cordiales|best)[,.!]?[ \t]*\n"
        ),
        _letters,
    ),
)
