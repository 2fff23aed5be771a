"""All checks by name, in the order in which they run. A new check is one file and one line here."""

from __future__ import annotations

from curate.check import Check
from curate.checks.contradiction import Contradiction
from curate.checks.exact_duplicate import ExactDuplicate
from curate.checks.leak import Leak
from curate.checks.near_duplicate import NearDuplicate
from curate.checks.pii import Pii
from curate.checks.quality import Quality
from curate.checks.semantic_duplicate import SemanticDuplicate
from curate.checks.structure import Structure
from curate.checks.style import Style
from curate.checks.wrong_label import WrongLabel

CHECKS: dict[str, type[Check]] = {
    "structure": Structure,
    "quality": Quality,
    "exact-duplicate": ExactDuplicate,
    "near-duplicate": NearDuplicate,
    "semantic-duplicate": SemanticDuplicate,
    "pii": Pii,
    "wrong-label": WrongLabel,
    "contradiction": Contradiction,
    "leak": Leak,
    "style": Style,
}
