"""Keys that open nothing: the same prefix, length and alphabet, so that code which reads them still does."""

from __future__ import annotations

import re

from curate.checks.secrets.shape import github_sum
from curate.pseudonyms.key import Draw
from curate.pseudonyms.numbers import shaped

_PREFIX = re.compile(
    r"github_pat_|sk-ant-(?:[a-z]+\d\d-)?|sk-(?:proj|svcacct|admin|or-v1)-|(?:sk|rk)_(?:live|test)_|do[opr]_v1_"
    r"|A[KSB]IA|ACCA|AIza|AGE-SECRET-KEY-1|SG\.|SK|EAAA|eyJ|ATATT3|GOCSPX-|pypi-AgEIcHlwaS5vcmc|lsv2_(?:pt|sk)_"
    r"|(?:AccountKey|SharedAccessKey)=|https?://[^/]+/(?:services/|api/webhooks/)?|[a-z0-9]{2,12}[_-]"
)
_KEPT = re.compile(  # what is no part of a block's key
    r"-{4,5} ?(?:BEGIN|END) [A-Z0-9 ]+-{4,5}|\\+[nrt]|\s+|Private-Lines: \d+"
)


def dead(value: str, draw: Draw) -> str:
    """A secret of the same form that no service ever gave out."""
    if "PRIVATE KEY" in value or "Private-Lines" in value:
        return _block(value, draw)
    if value.startswith("eyJ"):  # the first two parts of a token begin so
        return ".".join(shaped(p, draw, keep="eyJ" if p.startswith("eyJ") else "") for p in value.split("."))
    found = _PREFIX.match(value)
    keep = found[0] if found and len(found[0]) < len(value) - 6 else ""
    made = shaped(value, draw, keep=keep)
    while made.startswith("gh") and "_" in made and github_sum(made):
        made = shaped(value, draw, keep=keep)
    return made


def _block(value: str, draw: Draw) -> str:
    """A block whose lines say nothing."""
    made, at = [], 0
    for found in _KEPT.finditer(value):
        made += [shaped(value[at : found.start()], draw), found[0]]
        at = found.end()
    return "".join([*made, shaped(value[at:], draw)])
