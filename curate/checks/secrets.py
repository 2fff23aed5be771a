"""Keys and tokens that open something: only forms that nothing else has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Secret(NamedTuple):
    """One kind of key; `sign` is in every one of them and is looked for first, as that is quick."""

    label: str
    sign: str
    pattern: re.Pattern[str]


def _secret(label: str, sign: str, pattern: str) -> Secret:
    # not within a longer run of key characters: a piece of base64 is no key
    return Secret(f"SECRET_{label}", sign, re.compile(rf"(?<![A-Za-z0-9_+/=-])(?:{pattern})(?![A-Za-z0-9_])"))


SECRETS = (
    _secret("AWS_KEY", "A", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
    _secret("GITHUB_TOKEN", "gh", r"gh[pousr]_[A-Za-z0-9]{36,251}"),
    _secret("GITHUB_TOKEN", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _secret("ANTHROPIC_KEY", "sk-ant-", r"sk-ant-(?:api|admin|sid)\d{2}-[A-Za-z0-9_-]{24,256}"),
    _secret("OPENAI_KEY", "sk-", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,256}"),
    _secret("OPENAI_KEY", "sk-", r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{48}"),
    _secret("SLACK_TOKEN", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    _secret("SLACK_TOKEN", "xapp-", r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{10,100}"),
    _secret("GOOGLE_KEY", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _secret("HF_TOKEN", "hf_", r"hf_[A-Za-z0-9]{34,40}"),
    _secret("STRIPE_KEY", "k_", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,247}"),
    _secret("JWT", "eyJ", r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,2000}"),
)
LONGEST_KEY = 20_000  # characters
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,.-]*")  # with headers, and line ends escaped in JSON


def secrets(text: str) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of each key in the text, in characters; linear in its length."""
    for secret in SECRETS:
        if secret.sign in text:
            for found in secret.pattern.finditer(text):
                yield secret.label, *found.span()
    at = 0
    while begin := _BEGIN.search(text, at):
        limit = begin.end() + LONGEST_KEY
        end = _END.search(text, begin.end(), limit) or _BODY.match(text, begin.end(), limit)  # or cut off
        at = end.end() if end else begin.end()
        yield "SECRET_PRIVATE_KEY", begin.start(), begin.start() + len(text[begin.start() : at].rstrip())
