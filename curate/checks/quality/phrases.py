"""What models say of themselves, refuse, or say by habit."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from curate.checks.quality.text import (
    ANSWER,
    DIALOGUE_WORDS,
    LETTER_WORDS,
    SPOKEN,
    Problem,
    Rule,
    Text,
    said,
    tail,
)

_APOLOGY = r"(?:(?:i'?m|i am) (?:very |really |so |truly )?(?:sorry|afraid)|sorry|unfortunately|(?:my )?apologies|i apologi[sz]e|regrettably)"
_UNABLE = (
    r"(?:can(?:no|')t|can not|cannot|am unable|'m unable|am not able|'m not able|am not (?:allowed|permitted|programmed|capable)|"
    r"'m not (?:allowed|permitted|programmed|capable)|won't|will not|do not have the (?:ability|capability)|don't have the (?:ability|capability))"
)
_ACT = (
    r"(?:to )?(?:be able to )?(?:assist|help|provide|fulfil|comply|answer|create|generate|do (?:that|this|so)|give|write|produce|engage|"
    r"offer|share|access|browse|open|view|see|discuss|support|perform|complete|process|respond|recommend|participate|draw|display|retrieve|find|determine|identify|translate|tell|predict|summari[sz]e|analy[sz]e|book|order|place|control|play|make|send|set|check|modify|edit|visit|read|watch|search|perceive|interact|continue|comment|express|feel|experience)"
)
REFUSAL = re.compile(
    rf"\A\W{{0,3}}(?:(?:no|well|oh|hi|hello|hmm)\b[,.!]? )?(?:{_APOLOGY}[,.!]?\s*(?:but |however,? )?(?:i|as an)\b(?:[^.\n]{{0,40}}?{_UNABLE} {_ACT}| (?:do not|don't) have (?:access|the (?:ability|capability|necessary)|enough|any|information|personal|real|specific|current|up-to-date)|[^.\n]{{0,20}}\bas an ai)"
    rf"|(?:i|we) ?{_UNABLE} {_ACT}"
    rf"|as an? (?:ai|artificial intelligence|(?:large )?language model|machine learning model)\b[^.\n]{{0,80}}?\bi ?(?:{_UNABLE}|(?:do not|don't) have)"
    r"|i(?:'m| am) (?:just |only )?an? (?:ai|language model)\b[^.\n]{0,60}\b(?:can(?:no|')t|cannot|unable|not able|do not|don't)"
    r"|(?:this|your) (?:request|question|prompt) (?:violates|goes against)"
    r"|(?:很?抱歉|对不起|不好意思)[，,。！]?(?:但)?(?:我|作为)[^。\n]{0,25}(?:不能|无法|没有|不具备|不会)|(?:我|本人)(?:不能|无法)(?:提供|回答|协助|帮助|满足|生成|完成)"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|大型语言模型|机器人)[^。\n]{0,30}(?:不能|无法|没有|不具备)"
    r"|lo siento,? (?:pero )?(?:no puedo|como)|je suis désolée?,? mais je ne (?:peux|suis)|désolée?,? (?:mais )?je ne peux"
    r"|es tut mir leid,? (?:aber )?(?:ich kann|als)|(?:desculpe|lamento|sinto muito),? (?:mas )?(?:não posso|como)|mi dispiace,? (?:ma )?non posso"
    r"|(?:извините|к сожалению),? (?:но )?я не могу)",
    re.IGNORECASE,
)
DISCLAIMER = re.compile(
    r"\bas an? (?:ai (?:language )?model|large language model|ai assistant|artificial intelligence|ai|language model)\b,? i\b"
    r"|\bas an? (?:ai (?:language )?model|large language model|ai assistant)\b|\bi(?:'m| am) (?:just |only )an? (?:ai|language model)\b"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|大型语言模型)(?:助手|模型|语言模型)?[，,]?我|(?:my|the) (?:knowledge|training data) cut-?off\b|\bas of my last (?:knowledge )?update\b",
    re.IGNORECASE,
)
# a question that holds such words itself asks to word them otherwise
_UNABLE_WORDS = re.compile(
    r"\bsorry\b|\bapolog|\bregret|\bcan(?:no|')t\b|\bcannot\b|\bunable\b|\bnot be able\b|\bimpossible\b|\brefus|\bdeclin|抱歉|对不起|道歉",
    re.IGNORECASE,
)
_SELF = re.compile(
    r"\b(?:who|what) (?:are you|you are)\b|\b(?:about|describe|introduce) you(?:rself)?\b|\bare you (?:an?|a real|human|sentient|conscious|able)|\byour(?:self| name| creator| feelings?| opinion)\b|\b(?:ai|language model|chatbot|assistant|gpt)\b|你(?:是谁|叫什么|是什么)|人工智能|机器人|语言模型",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:i hope (?:this|that|these) \w+(?: \w+){0,6}[.!]|(?:please )?(?:feel free|don't hesitate|do not hesitate) to (?:ask|let me know|reach out|contact me)\b[^\n]{0,100}"
    r"|(?:please )?let me know if (?:you|there|that|this|i)\b[^\n]{0,120}|is there anything else (?:i can|you)\b[^\n]{0,80}|if you have any (?:other|more|further|additional|questions)\b[^\n]{0,120}"
    r"|would you like me to\b[^\n]{0,120}|happy (?:coding|learning|cooking)!)",
    re.IGNORECASE,
)
_LEFTOVER = re.compile(
    r"^[ \t]*(?:copy code|regenerate response|regenerate|stop generating|copied!|was this response better or worse\?.*|\d+ ?/ ?\d+[ \t]*$(?=\s*\Z)|"
    r"(?:chatgpt|you|gemini|claude|copilot) said:|chatgpt can make mistakes\..*|share (?:&|and) export|google it|view other drafts)[ \t]*(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)


def _refuses(text: Text) -> Iterator[Problem]:
    """Answers that refuse."""
    if (found := REFUSAL.search(text.text[:400])) and not _UNABLE_WORDS.search(text.asked):
        yield Problem("refusal", *found.span(), 0.8, "the answer refuses or says that it cannot")


def _disclaims(text: Text) -> Iterator[Problem]:
    """Answers that speak of being a machine where nobody asked."""
    found = DISCLAIMER.search(text.text[:2000])
    if found and not REFUSAL.search(text.text[:400]) and not _SELF.search(text.asked):
        yield Problem("ai-disclaimer", *found.span(), 0.7, "the answer speaks of being a model")


def _closes(text: Text) -> Iterator[Problem]:
    """A last paragraph that only offers more help."""
    start = text.text.rstrip().rfind("\n\n") + 2
    last = text.text[start:].strip()
    if DIALOGUE_WORDS.search(text.question) or LETTER_WORDS.search(text.question):
        return
    if start > 200 and "\n" not in last and (found := _CLOSING.match(last)) and len(last) - found.end() < 60:
        span = tail(text.text, start)
        yield Problem(
            "closing-phrase", *span, 0.4, "the last paragraph only offers more help", "edit", {"cut": [span]}
        )


def _leftover(text: Text) -> Iterator[Problem]:
    """Lines of a chat window that were copied with the answer."""
    spans = [
        found.span() for found in _LEFTOVER.finditer(text.text) if not _meant(text, found.group().strip())
    ]
    if spans:
        reason = "words of a chat window's buttons"
        yield Problem("interface-leftover", *spans[0], 0.8, reason, "edit", {"cut": spans})


def _meant(text: Text, words: str) -> bool:
    """Whether the question speaks of it, or it is a fraction that may be the answer."""
    return words.casefold() in text.asked.casefold() or (words[0].isdigit() and len(text.text.strip()) < 80)


RULES = (
    Rule(
        ANSWER
        & pl.col("text")
        .str.head(400)
        .str.contains(
            r"(?i)sorry|afraid|unfortunately|apolog|regrettabl|can(no|'|’)t|can not|unable|not able|not (allowed|permitted|programmed|capable)|won't|will not|don't have|do not have|violates|goes against|"
            r"抱歉|对不起|不好意思|我不能|我无法|本人|作为|lo siento|désol|es tut mir leid|desculpe|lamento|sinto muito|mi dispiace|извините|к сожалению"
        ),
        _refuses,
    ),
    Rule(
        ANSWER
        & said(
            r"as an? (ai|artificial|large|language)|(m|just|only) an? (ai|language)|cut-?off|last (knowledge )?update|作为"
        ),
        _disclaims,
    ),
    Rule(
        ANSWER
        & said(
            r"i hope th|feel free|hesitate|let me know|anything else|if you have any|would you like me|happy (coding|learning|cooking)!"
        ),
        _closes,
    ),
    Rule(
        SPOKEN
        & said(
            r"copy code|regenerate|stop generating|copied!|was this response|\d ?/ ?\d+\s*\z|said:|can make mistakes|share (&|and) export|google it|other drafts"
        ),
        _leftover,
    ),
)
