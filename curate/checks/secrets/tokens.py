"""Keys with a form of their own: a prefix, an alphabet and a length that nothing else has."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from curate.checks.secrets.shape import begins, decimal_id, ends, github_sum, json_header, varied

Place = tuple[str, int, int]  # label, start, end in characters


class Token(NamedTuple):
    """One form. `sign` is in every key of it and is looked for first, as that is quick."""

    label: str
    sign: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] | None = None  # what else must be so; None: the body is varied


def _token(label: str, sign: str, pattern: str, holds: Callable[[str], bool] | None = None) -> Token:
    return Token(f"SECRET_{label}", sign, re.compile(pattern), holds)


def _mixed(value: str) -> bool:
    """A short body must look drawn by chance: capitals, small letters and digits."""
    body = value.split("-", 1)[1]
    drawn = (
        any(c.isdigit() for c in body) and any(c.isupper() for c in body) and any(c.islower() for c in body)
    )
    return varied(body) and (len(body) >= 32 or drawn)


def _jwt(value: str) -> bool:
    """The second part is JSON too, or the first says how the rest is to be read."""
    first, second, *_ = value.split(".")
    return second.startswith("eyJ") or json_header(first)


def _discord(value: str) -> bool:
    return decimal_id(value.split(".", 1)[0])


def _armoured(value: str) -> bool:
    """Base64 of a private key's block, as in a secret of Kubernetes."""
    return b"PRIVATE KEY" in b64decode(value[:80])


W = r"[A-Za-z0-9_-]"
C = r"[./A-Za-z0-9]"
A = r"[A-Za-z0-9]"
TOKENS = (
    _token("AWS_KEY", "IA", r"A[KSB]IA[A-Z2-7]{16}"),
    _token("AWS_KEY", "ACCA", r"ACCA[A-Z2-7]{16}"),
    _token("AWS_KEY", "ABSK", r"ABSK[A-Za-z0-9+/]{100,269}={0,2}"),
    _token("GITHUB_TOKEN", "gh", rf"gh[pousr]_{A}{{36,251}}"),
    _token("GITHUB_TOKEN", "github_pat_", rf"github_pat_{A}{{22}}_{A}{{59}}"),
    _token("GITLAB_TOKEN", "gl", rf"gl(?:pat|dt|rt|ft|oas|soat|cbt|ptt|agent|imt|feed|rtr|ffct)-{W}{{20,300}}(?:\.[0-9a-z.]{{2,20}})?"),
    _token("ANTHROPIC_KEY", "sk-ant-", rf"sk-ant-{W}{{20,256}}"),
    _token("OPENROUTER_KEY", "sk-or-", r"sk-or-v1-[0-9a-f]{64}"),
    _token("OPENAI_KEY", "sk-", rf"sk-(?:proj|svcacct|admin|None|service)-{W}{{20,256}}"),
    _token("OPENAI_KEY", "sk-", rf"sk-{A}{{20,64}}", _mixed),
    _token("SLACK_TOKEN", "xox", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,250}"),
    _token("SLACK_TOKEN", "xapp-", r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{10,100}"),
    _token("SLACK_WEBHOOK", "hooks.slack", r"(?:https?:(?:\\?/){2})?hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,120}"),
    _token("GOOGLE_KEY", "AIza", rf"AIza{W}{{35}}"),
    _token("GOOGLE_OAUTH", "GOCSPX-", rf"GOCSPX-{W}{{28}}"),
    _token("GOOGLE_OAUTH", "ya29.", rf"ya29\.{W}{{20,1000}}"),
    _token("GOOGLE_KEY", ":APA91b", rf"AAAA{W}{{7}}:APA91b{W}{{120,160}}"),
    _token("DJANGO_KEY", "django-insecure-", r"django-insecure-[A-Za-z0-9!@#$%^&*(\-_=+)]{30,60}"),
    _token("HF_TOKEN", "hf_", rf"hf_{A}{{30,40}}"),
    _token("HF_TOKEN", "api_org_", rf"api_org_{A}{{34}}"),
    _token("STRIPE_KEY", "k_", rf"(?:sk|rk)_(?:live|test|prod)_{A}{{16,247}}"),
    _token("STRIPE_KEY", "whsec_", r"whsec_[A-Za-z0-9+/]{32,64}={0,2}"),
    _token("JWT", "eyJ", rf"eyJ[A-Za-z0-9_-]{{8,2000}}\.[A-Za-z0-9_-]{{8,16000}}\.[A-Za-z0-9_-]{{16,2000}}(?:\.{W}{{8,16000}}\.{W}{{8,2000}})?", _jwt),
    _token("JWT", "eyJ", rf"eyJ[A-Za-z0-9_-]{{8,2000}}\.\.{W}{{8,200}}\.{W}{{8,16000}}\.{W}{{8,2000}}", lambda v: json_header(v.split(".")[0])),
    _token("NPM_TOKEN", "npm_", rf"npm_{A}{{36}}"),
    _token("PYPI_TOKEN", "pypi-A", rf"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ){W}{{50,1000}}"),
    _token("RUBYGEMS_KEY", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _token("SENDGRID_KEY", "SG.", rf"SG\.{W}{{16,32}}\.{W}{{16,64}}"),
    _token("TWILIO_KEY", "SK", r"SK[0-9a-f]{32}"),
    _token("MAILGUN_KEY", "key-", r"key-[0-9a-f]{32}"),
    _token("MAILCHIMP_KEY", "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    _token("AZURE_KEY", "Key=", r"(?:AccountKey|SharedAccessKey|EndpointKey)=[A-Za-z0-9+/]{42,88}={0,2}"),
    _token("AZURE_KEY", "Q~", r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    _token("AZURE_SAS", "sig=", r"(?:(?:sv|se|sp|sr|st|srt|ss|spr|sip)=[^&\s\"'<>\\]{1,64}(?:&amp;|&|\\u0026)){2,9}sig=[A-Za-z0-9%+/]{40,80}={0,2}"),
    _token("DISCORD_WEBHOOK", "/webhooks/", rf"(?:https?:(?:\\?/){{2}})?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{{17,20}}/{W}{{60,72}}"),
    _token("TELEGRAM_TOKEN", ":AA", rf"\d{{8,10}}:AA{W}{{32,33}}"),
    _token("DIGITALOCEAN_TOKEN", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _token("DATABRICKS_TOKEN", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?"),
    _token("GROQ_KEY", "gsk_", rf"gsk_{A}{{48,56}}"),
    _token("REPLICATE_TOKEN", "r8_", rf"r8_{A}{{37,40}}"),
    _token("XAI_KEY", "xai-", rf"xai-{A}{{64,100}}"),
    _token("PERPLEXITY_KEY", "pplx-", rf"pplx-{A}{{40,64}}"),
    _token("LANGSMITH_KEY", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _token("PINECONE_KEY", "pcsk_", rf"pcsk_{A}{{5,8}}_{A}{{60,70}}"),
    _token("SQUARE_TOKEN", "sq0", rf"sq0(?:atp|csp|idp)-{W}{{22,43}}"),
    _token("SQUARE_TOKEN", "EAAA", rf"EAAA{W}{{60}}"),
    _token("SHOPIFY_TOKEN", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _token("ATLASSIAN_TOKEN", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{50,300}"),
    _token("LINEAR_KEY", "lin_api_", rf"lin_api_{A}{{40}}"),
    _token("NOTION_TOKEN", "ntn_", rf"ntn_{A}{{40,50}}"),
    _token("NOTION_TOKEN", "secret_", rf"secret_{A}{{43}}"),
    _token("AIRTABLE_TOKEN", "pat", rf"pat{A}{{14}}\.[0-9a-f]{{64}}"),
    _token("FIGMA_TOKEN", "figd_", rf"figd_{W}{{40,60}}"),
    _token("VAULT_TOKEN", "hv", rf"hv[bsr]\.{W}{{24,300}}"),
    _token("DOCKER_TOKEN", "dckr_", rf"dckr_(?:pat|oat)_{W}{{27,40}}"),
    _token("SUPABASE_TOKEN", "sbp_", r"sbp_[0-9a-f]{40}"),
    _token("GRAFANA_TOKEN", "gl", rf"gl(?:sa_{A}{{32}}_[0-9a-f]{{8}}|c_[A-Za-z0-9+/]{{32,400}}={{0,2}})"),
    _token("NEW_RELIC_KEY", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _token("SENTRY_TOKEN", "sntry", r"sntry[su]_[A-Za-z0-9+/=_]{40,400}"),
    _token("HEROKU_KEY", "HRKU-", r"HRKU-[A-Za-z0-9_-]{36,64}"),
    _token("DOPPLER_TOKEN", "dp.", rf"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{{2,35}}\.)?{A}{{40,44}}"),
    _token("PULUMI_TOKEN", "pul-", r"pul-[0-9a-f]{40}"),
    _token("POSTMAN_KEY", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _token("PRIVATE_KEY", "LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{200,20000}={0,2}", _armoured),
    _token("AGE_KEY", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,200}"),
)  # fmt: skip
# of a password with its salt: from it a weak one is soon found
HASHES = (
    _token("PASSWORD_HASH", "$apr1$", rf"\$apr1\${C}{{1,8}}\${C}{{22}}"),
    _token("PASSWORD_HASH", "$1$", rf"\$1\${C}{{1,8}}\${C}{{22}}"),
    _token("PASSWORD_HASH", "$2", rf"\$2[abxy]\$\d\d\${C}{{53}}"),
    _token("PASSWORD_HASH", "$5$", rf"\$5\$(?:rounds=\d{{1,9}}\$)?{C}{{1,16}}\${C}{{43}}"),
    _token("PASSWORD_HASH", "$6$", rf"\$6\$(?:rounds=\d{{1,9}}\$)?{C}{{1,16}}\${C}{{86}}"),
    _token("PASSWORD_HASH", "$y$", rf"\$y\${C}{{1,12}}\${C}{{1,86}}\${C}{{43}}"),
    _token("PASSWORD_HASH", "$argon2", r"\$argon2(?:id|i|d)\$(?:v=\d{1,3}\$)?m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{16,180}"),
    _token("PASSWORD_HASH", "pbkdf2_sha", r"pbkdf2_sha(?:1|256|512)\$\d{3,8}\$[^\s$]{4,64}\$[A-Za-z0-9+/]{27,90}={0,2}"),
)  # fmt: skip
_DISCORD = _token("DISCORD_TOKEN", ".", rf"[MNO]{W}{{22,27}}\.{W}{{6}}\.{W}{{27,40}}", _discord)
_DISCORD_WORDS = (
    "discord",
    "token",
    "bot.run",
    "client.run",
)  # its form begins with no sign: one of these stands beside it
_DUMMY = re.compile(r"(?i)your|placeholder|redacted|replace|insert|x{6}|\*{3}|\.{3}")
_MARKS = "_-.=/:~"  # one of them stands in most signs
_TWILIO = re.compile(r"(?<![A-Za-z0-9])AC[0-9a-f]{32}(?![A-Za-z0-9])")
_TWILIO_SECRET = re.compile(r"(?s)[^0-9a-f].{0,80}?(?<![A-Za-z0-9])(?P<value>[0-9a-f]{32})(?![A-Za-z0-9])")
_NEAR_AWS = 400  # characters between an access key and its secret
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")


def tokens(text: str, small: str, long: str) -> Iterator[Place]:
    """The keys in the text that are such by their own form.

    `small` is the text in small letters, `long` its long words, in which a sign must stand.
    """
    for token in _with("".join([mark for mark in _MARKS if mark in long])):
        if token.sign in long:
            yield from _of(token, text)
    if "$" in long:
        for token in HASHES:
            if token.sign in long:
                yield from _of(token, text)
    if any(word in small for word in _DISCORD_WORDS):
        yield from _of(_DISCORD, text)
    if "AC" in long and (twilio := _TWILIO.search(text)):
        yield from _twilio_secrets(text, twilio)
    if "AKIA" in long or "ASIA" in long:
        yield from _aws_secrets(text)


@cache
def _with(marks: str) -> tuple[Token, ...]:
    """The forms whose signs have no other mark than these: of most texts few are left to look for."""
    return tuple(
        token for token in TOKENS if all(each not in token.sign for each in _MARKS if each not in marks)
    )


def _of(token: Token, text: str) -> Iterator[Place]:
    """The keys of one form."""
    for found in token.pattern.finditer(text):
        end = _end(text, found)
        if end and begins(text, found.start()) and _real(token, text[found.start() : end]):
            yield token.label, found.start(), end


def _end(text: str, found: re.Match[str]) -> int:
    """Where a key ends; 0 if it is a piece of something longer."""
    # a right sum tells a GitHub token from the letters that follow it
    if found[0].startswith("gh") and "_" in found[0][:8] and github_sum(found[0][:40]):
        return found.start() + 40
    return found.end() if ends(text, found.end()) else 0


def _real(token: Token, value: str) -> bool:
    if _DUMMY.search(value):
        return False
    return token.holds(value) if token.holds else varied(value[len(token.sign) :])


def _twilio_secrets(text: str, account: re.Match[str] | None) -> Iterator[Place]:
    """What stands close behind the name of an account and has the form of its token."""
    while account:
        found = _TWILIO_SECRET.match(text, account.end())
        if found and varied(found["value"]):
            yield "SECRET_TWILIO_KEY", *found.span("value")
        account = _TWILIO.search(text, account.end())


def _aws_secrets(text: str) -> Iterator[Place]:
    """What stands near an access key and has the form of its secret."""
    for key in re.finditer(r"A[KS]IA[A-Z2-7]{16}", text):
        low = max(0, key.start() - _NEAR_AWS)
        for found in _AWS_SECRET.finditer(text, low, key.end() + _NEAR_AWS):
            value = found[0]
            kinds = (str.isupper, str.islower, str.isdigit)
            if all(any(kind(each) for each in value) for kind in kinds):
                yield "SECRET_AWS_KEY", *found.span()
