"""What somebody asks to be taken beside the safe proposals: checks, or CHECK/LABEL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from curate.checks import CHECKS
from curate.errors import ConfigError

_MANY = re.compile(r"(?:SECRET|[A-Z]{2})_")  # keys by who gave them out, numbers by country: not listed


def check_asked(also: Iterable[str]) -> None:
    """Raise ConfigError for a name that no finding can have.

    A mistyped kind would take nothing and leave what was meant in the rows. So the kinds of `pii`, which
    are known beforehand, are looked at; of other checks the check's own name.
    """
    for asked in also:
        check, _, label = asked.partition("/")
        if check not in CHECKS:
            raise ConfigError(f"there is no check `{check}`", hint=_near(check, CHECKS))
        if check == "pii" and label and not _MANY.match(label):
            from curate.checks.pii import ENTITIES, NOISY

            known = (*ENTITIES, *NOISY)
            if label not in known:
                raise ConfigError(f"no personal data is of a kind `{label}`", hint=_near(label, known))


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names)}"
