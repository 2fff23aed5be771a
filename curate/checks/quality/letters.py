"""What mail programs and firms put around a letter: signatures, notices, earlier letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from curate.checks.quality.text import LETTER_WORDS, SPOKEN, Problem, Rule, Text, said, tail

_SENT_FROM = re.compile(
    r"^[ \t]*(?:sent from my \w+[^\n]{0,40}|get outlook for \w+[^\n]{0,40}|(?:von meinem|gesendet von) \w+[^\n]{0,40} gesendet|envoyé de mon \w+[^\n]{0,30}|enviado desde mi \w+[^\n]{0,30}|发自我的\s?\w+)[ \t.]*$",
    re.IGNORECASE | re.MULTILINE,
)
_DASHES = re.compile(r"^-- ?$\n(?:[^\n]{0,120}(?:\n|\Z)){1,8}\Z", re.MULTILINE)
# what a notice speaks of, and what it says of it, on a line or two
_MAIL = r"(?:e-?mails?|messages?|communications?|transmissions?|correspondence|mail)"
_NOTICE = re.compile(
    rf"^[ \t*_(\[>]{{0,6}}(?:(?:confidentiality|privacy|legal|e-?mail|important|disclaimer|notice|attention|please note|note|please be (?:advised|aware))(?: (?:notice|disclaimer|note|statement|warning|that))?[:.!*_ -]{{1,6}}\s?)?"
    rf"(?:(?:the|any|all) (?:information|contents?|material|views?|opinions?)[^\n.]{{0,60}}?\b)?\b(?:(?:in|of|within|by|with) )?(?:this|the above) (?:[\w-]+ ){{0,2}}?{_MAIL}\b"
    r"[^\n]{0,160}\n?[^\n]{0,80}?\b(?:confidential\w*|privileged|proprietary|intended|recipients?|addressees?|may contain|legally|in error)\b"
    r"|^[ \t*_(\[]{0,6}(?:confidentiality (?:notice|note|statement)|(?:e-?mail|legal) disclaimer|disclaimer[ \t]*:)"
    rf"|^[ \t*_(\[]{{0,6}}the (?:information|contents?) (?:transmitted|contained herein)\b[^\n]{{0,60}}\b(?:intended|confidential)\b"
    rf"|^[ \t*_(\[]{{0,6}}if you (?:are not the intended|(?:have )?received? this {_MAIL} in error)\b"
    r"|^[ \t*_(\[]{0,6}(?:diese (?:e-?mail|nachricht)[^\n]{0,80}\bvertraulich|(?:ce (?:message|courriel)|cet e-?mail)[^\n]{0,80}\b(?:confidentiel|destiné)"
    r"|este (?:mensaje|correo|e-?mail)[^\n]{0,80}\b(?:confidencial|dirigido)|(?:questa e-?mail|questo messaggio)[^\n]{0,80}\b(?:riservat|confidenzial))",
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


_TASK_ON_MAIL = re.compile(
    r"\b(?:summari[sz]e|rewrite|edit|extract|classify|identify|proofread|translate|parse|analy[sz]e|improve|reply to|respond to|following|below|this) (?:\w+ ){0,4}(?:e-?mails?|letters?|messages?|threads?|signatures?)\b"
    r"|\b(?:a|an|the|our|my|this) (?:\w+ ){0,2}(?:notice|disclaimer|footer)\b",
    re.IGNORECASE,
)
# below a notice only an order, at the beginning of a line: notices speak of replies and of the message too
_ORDER = re.compile(
    r"^[ \t]*(?:(?:now|please|kindly|can you|could you)[, ]+)*(?:summari[sz]e|rewrite|rephrase|edit|extract|classify|identify|proofread|translate|parse|analy[sz]e|improve"
    r"|reply to|respond to|write|draft|answer|list|find|remove|shorten|what|who|which|how|is)\b(?! (?:confidential|intended))",
    re.IGNORECASE | re.MULTILINE,
)


class _Sign(NamedTuple):
    """What shows that the letter proper ends at `start`."""

    start: int
    score: float
    reason: str


def _letters(text: Text) -> Iterator[Problem]:
    """What mail programs put below or above a letter, in what is asked and in what is answered."""
    body = text.text
    asks = _about_letters(text)
    if found := _QUOTED.search(body):
        quoted = _QUOTE_LINES.match(body, found.end())
        below = bool(quoted and body[quoted.end() :].strip())
        span = (found.start(), quoted.end()) if quoted and below else tail(body, found.start())
        if body[: span[0]].strip() or below:
            yield _cut_mail(
                "quoted-reply", span, 0.5 if asks else 0.85, "an earlier letter is quoted", cut=not asks
            )
            body = body[: span[0]] if not below else body
    sent = _SENT_FROM.search(body)
    if sent and body[: sent.start()].strip() and body[sent.end() :].strip() and not _NOTICE.search(body):
        yield _cut_mail("mail-signature", sent.span(), 0.9, _ADDED, cut=True)
        return
    if signs := _signs(body, blocks=not asks):
        first = min(signs)
        span = tail(body, first.start)
        score = max(first.score, 0.8) if len(signs) > 1 else first.score
        # what a mail program adds belongs to no letter, whatever the row is about
        cut = not asks or (len(signs) == 1 and first.reason == _ADDED)
        yield _cut_mail("mail-signature", span, score, first.reason, cut=cut)


def _about_letters(text: Text) -> bool:
    """Whether the row is about letters. A notice speaks of the letter below which it stands, and says nothing of that."""
    if text.role == "assistant":
        asked = "\n".join(_parted(text.asked))
        return bool(LETTER_WORDS.search(asked) or _TASK_ON_MAIL.search(asked))
    above, below = _parted(text.text)
    return bool(_TASK_ON_MAIL.search(above) or _ORDER.search(below))


def _parted(body: str) -> tuple[str, str]:
    """The text above the first notice and what stands below the notice's own paragraph."""
    notice = _NOTICE.search(body)
    if not notice:
        return body, ""
    ends = re.compile(r"\n[ \t]*\n|\Z").search(body, notice.end())
    return body[: notice.start()], body[ends.end() if ends else len(body) :]


_ADDED = "a line that a mail program adds"


def _signs(body: str, *, blocks: bool) -> list[_Sign]:
    """Where a signature or a notice begins; with `blocks` also a closing with an address block."""
    signs = []
    if (notice := _NOTICE.search(body)) and body[: notice.start()].strip():
        body = _unruled(body[: notice.start()])
        signs.append(_Sign(len(body), 0.8, "a notice that firms put below letters"))
    if (sent := _SENT_FROM.search(body)) and not body[sent.end() :].strip():
        signs.append(_Sign(sent.start(), 0.9, _ADDED))
    if dashes := _DASHES.search(body):
        signs.append(_Sign(dashes.start(), 0.8, "a signature below two dashes"))
    if blocks and (block := _block(body)) is not None:
        signs.append(_Sign(block, 0.7, "a closing with an address block"))
    return [sign for sign in signs if body[: sign.start].strip()]


def _unruled(body: str) -> str:
    """The text without white space and drawn lines at its end."""
    lines = body.rstrip().split("\n")
    while lines and not lines[-1].strip(" \t\r-_=*"):
        lines.pop()
    return "\n".join(lines)


def _block(body: str) -> int | None:
    """Where a closing begins that has two lines or more to reach its writer by, and nothing but such lines behind."""
    found = _REGARDS.search(body)
    if not found:
        return None
    lines = [line for line in body[found.end() :].split("\n") if line.strip()]
    if not 2 <= len(lines) <= 9 or max(map(len, lines)) >= 120:
        return None
    reached = sum(bool(_CONTACT.search(line)) for line in lines)
    return found.start() if reached >= 2 else None


def _cut_mail(label: str, span: tuple[int, int], score: float, reason: str, *, cut: bool) -> Problem:
    """A finding that proposes to cut, or to look where the row may be about letters."""
    if cut:
        return Problem(label, *span, score, reason, "edit", {"cut": [span]})
    return Problem(label, *span, min(score, 0.5), reason)


RULES = (
    Rule(
        SPOKEN
        & said(
            r"wrote:|schrieb|a écrit|escribió:|ha scritto|escreveu|schreef|写道|original message|forwarded message|ursprüngliche|d'origine|mensaje original|from:[^\n]+\n\s*(sent|date|to):|sent from my|get outlook|gesendet|envoyé de|enviado desde|发自我的|\n-- ?\n|(this|of|above)[^\n]{0,24}(mail|message|communication|transmission|correspondence)|confidential|disclaimer|information (transmitted|contained)|intended|vertraulich|confidentiel|destiné|confidencial|dirigido|riservat|(regards|wishes|sincerely|truly|faithfully|cheers|thanks|thank you|grüßen|cordialement|saludos|cordiales|best)[,.!]?[ \t]*\n"
        ),
        _letters,
    ),
)
