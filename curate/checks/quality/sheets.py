"""Texts that a spreadsheet put in the place of what was written: long numbers cut short, errors, formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from curate.checks.quality.text import SPOKEN, Problem, Rule, Text, said

# as a sheet shows a number that is too long for its cell: all but some figures of it are lost
_CUT_NUMBER = re.compile(r"[+-]?\d[.,]\d{1,14}E[+-]\d{2,3}")
_ERROR = re.compile(
    r"#(?:REF!|NAME\?|N/A|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!|ERROR!"
    r"|BEZUG!|WERT!|NV|ZAHL!|ÜBERLAUF!|NOM\?|VALEUR!|NOMBRE!|¡REF!|¿NOMBRE\?|¡VALOR!|¡DIV/0!|¡NUM!|VALOR!|NOME\?|RIF!|VALORE!"
    r"|VERW!|WAARDE!|NAAM\?|ARG!|ADR!|NAZWA\?)|#{4,}"
)
_FORMULA = re.compile(
    r"=\s?(?:@?[A-ZÄÖÜ][A-ZÄÖÜ0-9.]{1,30}\([^\n]{0,2000}\)"
    r"|(?:'[^'\n]{1,60}'!|\w{1,40}!)?\$?[A-Z]{1,3}\$?\d{1,7}(?:\s?[-+*/&^:]\s?\$?[A-Z0-9$.,]{1,20}){0,20})"
)
_SHEETS = re.compile(
    r"(?i)excel|spread ?sheet|\bsheets?\b|\bcells?\b|formula|formel|f[óo]rmula|formule|lookup|\bpivot|tabell|tableur|\bcsv\b|libreoffice|hyperlink"
    r"|\bfunctions?\b|\berrors?\b|\bcolumns?\b|\brows\b|\bsum\b|\baverage\b|\bcount|concatenat|\bmacros?\b|#(?:ref|n/a|name|value|div)|公式|表格|单元格"
)
_NUMBERS = re.compile(
    r"(?i)\d|scientific|notation|\bexponent|calculat|comput|estimat|how (?:many|much|far|fast|big|large|long|heavy|old|hot|tall)|number of|constant|\bmass\b|speed"
    r"|distance|population|convert|multipl|divid|\bpower\b|\bsum\b|\bvalue of|\bratio|\bsolve|wie (?:viele?|gro(?:ß|ss)|weit|schnell|schwer)|berechne|combien|cu[áa]nt|quant[oi]"
    r"|多少|计算|几"
)


def _damaged(text: Text) -> Iterator[Problem]:
    """A whole text that is an error, a formula or the stump of a number."""
    whole = text.text.strip()
    start = text.text.index(whole)
    span = start, start + len(whole)
    asks = _SHEETS.search(text.asked) or _SHEETS.search(text.system)
    if _ERROR.fullmatch(whole):
        if not asks:
            yield _finding(span, 0.9, "error", "a spreadsheet's error stands where a text was")
    elif _CUT_NUMBER.fullmatch(whole):
        if not (asks or _NUMBERS.search(text.asked)):
            yield _finding(span, 0.8, "number", "a spreadsheet cut a long number short; its figures are lost")
    elif _FORMULA.fullmatch(whole) and text.role == "assistant" and not asks:
        yield _finding(span, 0.8, "formula", "a spreadsheet's formula stands where its result should")


def _finding(span: tuple[int, int], score: float, kind: str, reason: str) -> Problem:
    return Problem("spreadsheet-damage", *span, score, reason, measured={"kind": kind})


RULES = (
    Rule(
        SPOKEN
        & (pl.col("text").str.len_bytes() <= 2_100)
        & said(r"\A\s*(#[\w#¡¿]|=\s?['@$\w]|[+-]?\d[.,]\d+E[+-]\d+\s*\z)"),
        _damaged,
    ),
)
