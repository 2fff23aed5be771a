"""Why meaning was not looked at: since there is no encoder, or since somebody switched it off."""

from __future__ import annotations

from collections.abc import Sequence

from curate.check import Check, MeaningCheck, NotRun
from curate.scanning.embedding import NO_ENCODER, NONE

SWITCHED_OFF = 'switched off by encoder "none"'


def reasons(asked: Sequence[Check], not_run: Sequence[NotRun]) -> list[NotRun]:
    """The same, where `asked`, the checks as they were asked for, are to go without an encoder said so."""
    off = {check.name for check in asked if isinstance(check, MeaningCheck) and check.encoder == NONE}
    return [
        each._replace(reason=SWITCHED_OFF + each.reason.removeprefix(NO_ENCODER))
        if each.check.removesuffix(" (meaning)") in off and each.reason.startswith(NO_ENCODER)
        else each
        for each in not_run
    ]
