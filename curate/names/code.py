"""Program code in a text, where words are identifiers and numbers are constants: they are nobody's.

What stands in a string or a comment is said to people and may name them, so it is no part of the code here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from curate.names.tokens import BIT, Lexicon

Stretch = tuple[int, int]

_SIGN = re.compile(r"[=;{}()`]|\bimport\b")  # no code is without
_FENCE = re.compile(r"[ \t>]*(```|~~~)[ \t]*([\w+#-]*)[^\n`]*\Z")
# languages of which every line is code; in JSON, YAML and HTML words stand as they are
_PROGRAMS = frozenset(
    "python python3 py pycon js javascript jsx ts typescript tsx java c cpp c++ cc h cs csharp c# go golang rust rs ruby rb php"  # noqa: SIM905
    " sql kotlin kt swift scala r matlab perl lua haskell hs dart julia objc cuda groovy".split()
)
_LINE = re.compile(
    r"""[ \t]*(?:>>>[ ]|\.\.\.[ ])?[ \t]*(?:
      from[ ]+[\w.]+[ ]+import\b.*
    | import[ ]+[\w.]+(?:[ ]+as[ ]+\w+)?(?:[ ]*,[ ]*[\w.]+(?:[ ]+as[ ]+\w+)?)*[ ]*;?[ \t]*\Z
    | import[ ]+[\w*{}, ]+[ ]from[ ]+['"].*
    | (?:async[ ]+)?(?:def|fn|func|function|sub|fun)[ ]+[\w.$]*[ ]*[(<].*
    | (?:public|private|protected|internal|static|final|abstract|export|virtual|inline|extern|const|let|var|val|using|namespace|package|typedef
        |struct|enum|interface|impl|trait|class|type)\b(?=.*[({=;:<])[^?!]*[;{(:=,>)\]}'"\w][ \t]*\Z
    | (?:else|try|finally|do)[ ]*[:{][ \t]*\Z
    | \}?[ ]*(?:if|else[ ]if|for|foreach|while|catch|switch|until|unless)[ ]*\(.*[:{);][ \t]*\Z
    | (?:async[ ]+)?for[ ]+[\w, ()*]+[ ]in[ ].*:[ \t]*\Z
    | (?:if|while|with|case|match)\b(?=.*(?:[=<>!]=|\w\(|\w\[|\w\.\w|_)).*:[ \t]*\Z
    | (?:elif|except)\b.*:[ \t]*\Z
    | @[A-Za-z_][\w.]*(?:\(.*\)?)?[ \t]*\Z
    | \#[ ]*(?:include|define|undef|ifdef|ifndef|endif|pragma)\b.*
    | (?:return|raise|yield|throw|await|assert|del|delete|new|print|echo)\b(?=.*[()\[\]{};=_"']).*[\w)\]};"',({\[:][ \t]*\Z
    | (?:pass|break|continue)[ \t]*;?[ \t]*\Z
    | [*&]*[A-Za-z_$][\w.\[\]$>"'-]*(?:[ ]*:[ ]*[A-Za-z_][\w.\[\], |]*)?[ ]*(?:[-+*/%|&^@:]|<<|>>|//|\*\*)?=(?![=])[ ]*
        (?:[\["'({\-]|\d|\w+[.(\[]|(?:not|new|await|lambda|None|True|False|null|true|false|nil|function|async)\b).*
    | [A-Za-z_$][\w.$]*(?:\[[^\]]*\])?\([^()]*(?:\(.*)?[),;({\[:][ \t]*\Z
    | (?=.*(?:\w\(|\w\[|=|->|::)).*[;{][ \t]*\Z
    | .*\w\([^()]*\)[^{}]*\{.*\}[ \t]*\Z
    | [ \t]+return[ ][^.?!]*\Z
    | [)\]}]+[ ]*[;,:)]*[ \t]*\Z
    | (?i:select[ ].*[ ]from[ ]|insert[ ]+into[ ]|create[ ]+table[ ]|alter[ ]+table[ ]|update[ ]\w+[ ]+set[ ]).*
    )""",
    re.VERBOSE,
)
_PROSE = re.compile(r"\s*[\"'*_-]*[^\W\d_][\w',’-]*(?:,?[ ]+[\w',’-]+){3,}[.!?:,]?\s*\Z")
_WIDE = re.compile(r'"""(?:.*?)(?:"""|\Z)|\'\'\'(?:.*?)(?:\'\'\'|\Z)|/\*(?:.*?)(?:\*/|\Z)', re.DOTALL)
_SAID = re.compile(
    r'"(?:[^"\\\n]|\\.)*(?:"|\Z)|\'(?:[^\'\\\n]|\\.)*(?:\'|\Z)|(?<!:)//.*|\#(?!include|define).*|(?<!\S)--[ ].*'
)
_QUOTED_CODE = re.compile(r"(?<!`)`[^`\s]+`(?!`)")
LONGEST = 400  # lines of a bracket that is open

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# `LastName`, `OSError`: capitals within a word; those of McKay, DeShawn and O'Neill are none
_INNER = re.compile(r"[^\W\d_]*?[a-zß-öø-ÿ][A-Z]|[A-Z]{3,}[a-z]{2,}")
_PREFIX = re.compile(
    r"(?:Mc|Mac|De|Del|Des|Di|Da|Du|La|Le|Lo|Van|Von|Fitz|Ap|Ni|St|Jo|Ann?|Mary|Al|El|Ben|Abd|Ter|Ver|Vander|Bar)[A-Z][a-zà-ÿ]+\Z"
)
_NAMES = BIT["first"] | BIT["last"]


def bare(text: str) -> list[Stretch]:
    """The stretches of code in a text, in order; strings and comments left out.

    Code is what a fence (```` ``` ````) calls a program, a line that has the form of a statement, and the lines of a
    bracket that such a line opens; and a word between single backticks.
    """
    if not _SIGN.search(text):
        return []
    lines = list(_code_lines(text))
    quoted = [] if "`" not in text else [found.span() for found in _QUOTED_CODE.finditer(text)]
    if not lines:
        return quoted
    wide = [found.span() for found in _WIDE.finditer(text)]
    stretches: list[Stretch] = []
    for begin, end in lines:
        said = [found.span() for found in _SAID.finditer(text, begin, end)]
        said += [(max(begin, low), min(end, high)) for low, high in wide if low < end and high > begin]
        at = begin
        for low, high in sorted(said):
            if low > at:
                stretches.append((at, low))
            at = max(at, high)
        if at < end:
            stretches.append((at, end))
    return sorted({*stretches, *quoted})


def within(stretches: list[Stretch], start: int, end: int) -> bool:
    """Whether a span begins in one of the stretches (in order) or ends in it."""
    for at in (start, max(start, end - 1)):
        before = bisect_right(stretches, (at, 1 << 60)) - 1
        if before >= 0 and at < stretches[before][1]:
            return True
    return False


def is_identifier(value: str, lexicon: Lexicon) -> bool:
    """Whether a name has the form of an identifier: `MaxLen`, `OSError`, `HAVE_SEND`, `Base64Str`, `BM25S`.

    One with a listed given name in it as a word of its own is none.
    """
    words = _WORD.findall(value)
    parts = [part for word in words for part in re.split(r"['’-]", word)]
    if len(parts) == 1 and _INNER.match(parts[0]) and not _PREFIX.match(parts[0]):
        return True
    if not words or any(lexicon.flags(part) & BIT["first"] for part in parts):
        return not words
    if re.search(r"[^\W\d_]\d|\d[^\W\d_]", value):
        return True
    if re.search(r"\w_|_\w", value):
        return not all(lexicon.flags(part) & _NAMES for part in parts)
    return any(
        _INNER.match(part) and not _PREFIX.match(part) and not lexicon.flags(part) & _NAMES for part in parts
    )


def _code_lines(text: str) -> Iterator[Stretch]:
    """The lines that are code, each without its line break."""
    fence = language = ""
    depth = opened = at = 0
    for line in text.split("\n"):
        place = (at, at + len(line))
        at += len(line) + 1
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence, language = ("", "") if fence else (mark[1], mark[2].lower())
            depth = 0
            continue
        if fence and language in _PROGRAMS:
            yield place
            continue
        is_code = len(line) < 2000 and _LINE.match(line) is not None
        if not is_code and depth > 0 and opened < LONGEST and line.strip() and not _PROSE.match(line):
            is_code, opened = True, opened + 1
        elif is_code:
            opened = 0
        if is_code:
            yield place
            plain = _SAID.sub("", line)
            depth = max(0, depth + sum(map(plain.count, "([{")) - sum(map(plain.count, ")]}")))
        elif line.strip():
            depth = 0
