"""What the digits of a region's telephone numbers look like, so that most digits need no parsing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

MOST_DIGITS = 40  # with every prefix; a national number has 17 at the most
_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


class Numbering:
    """The numbering plan of one region; it errs on the side of "may be"."""

    def __init__(self, region: str) -> None:
        """`region` is a two-letter code; of an unknown one all digits may be a number."""
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

        own = PhoneMetadata.metadata_for_region(region, None)
        self._whole: re.Pattern[str] | None = None
        self._prefix: re.Pattern[str] | None = None
        self.least = 1
        if own is None:
            return
        plans = [
            PhoneMetadata.metadata_for_region(other, None)
            for other in COUNTRY_CODE_TO_REGION_CODE[own.country_code]
        ]
        known = [plan for plan in plans if plan is not None]
        code = f"(?:{own.country_code})?"
        forms = {form for plan in known for form in _forms(plan)}
        self._whole = re.compile(f"{code}(?:{'|'.join(sorted(forms))})")
        # numbers with a prefix are parsed: what is taken off, and what is put in its place, varies
        prefixes = [own.international_prefix or "", *(plan.national_prefix_for_parsing or "" for plan in known)]
        told = "|".join(f"(?:{prefix})" for prefix in prefixes if prefix)
        self._prefix = re.compile(f"{code}(?:{told})") if told else None
        self.least = min(
            length
            for plan in known
            for length in (*plan.general_desc.possible_length, *plan.general_desc.possible_length_local_only)
            if length > 0
        )

    def may_hold(self, digits: str) -> bool:
        """Whether digits without a `+` may be a valid number here, with any prefix; rarely wrong with yes."""
        if self._whole is None:
            return True
        if not self.least <= len(digits) <= MOST_DIGITS:
            return False
        if self._whole.fullmatch(digits):
            return True
        begin = self._prefix.match(digits) if self._prefix is not None else None
        return begin is not None and begin.end() > 0


def _forms(plan: PhoneMetadata) -> list[str]:
    kinds = (getattr(plan, kind) for kind in _KINDS)
    return [
        f"(?:{kind.national_number_pattern})" for kind in kinds if kind and kind.national_number_pattern
    ]


@lru_cache(maxsize=300)
def numbering(region: str) -> Numbering:
    """The plan of a region, read once."""
    return Numbering(region)
