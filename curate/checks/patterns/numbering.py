"""What the digits of a region's telephone numbers look like, so that most digits need no parsing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

LEAST_DIGITS = 4  # of a valid number without its country code, in any region
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
        self.least = 1
        if own is None:
            return
        shared = COUNTRY_CODE_TO_REGION_CODE[own.country_code or 0]
        plans = [PhoneMetadata.metadata_for_region(other, None) for other in shared]
        forms = "|".join(sorted({form for plan in plans if plan for form in _forms(plan)}))
        # a number is read by the rules of its region, or of the first that shares the country code
        readers = [plan for plan in (own, plans[0]) if plan]
        rewrites = "|".join(_prefix(plan) for plan in readers if plan.national_prefix_transform_rule)
        drops = "|".join(_prefix(plan) for plan in readers if plan.national_prefix_for_parsing)
        # a national prefix is taken off once with the country code and once more after it
        parts = [f"(?:{own.country_code})?(?:{drops}){{0,3}}(?:{forms})"]
        if own.international_prefix:
            codes = "|".join(map(str, COUNTRY_CODE_TO_REGION_CODE))
            parts.append(rf"(?:{own.international_prefix})(?:{codes})\d{{{LEAST_DIGITS},}}")
        if rewrites:  # these put other digits in the place of a prefix
            parts.append(rf"(?:{own.country_code})?(?!\Z)(?:{rewrites})\d*")
        self._whole = re.compile("|".join(f"(?:{part})" for part in parts))
        lengths = {length for plan in plans if plan for length in _lengths(plan, local=bool(rewrites))}
        self.least = min((length for length in lengths if length > 0), default=1)

    def may_hold(self, digits: str) -> bool:
        """Whether digits without a `+` may be a valid number here, with any prefix; rarely wrong with yes."""
        if self._whole is None:
            return True
        if not self.least <= len(digits) <= MOST_DIGITS:
            return False
        return self._whole.fullmatch(digits) is not None


def _prefix(plan: PhoneMetadata) -> str:
    return f"(?:{plan.national_prefix_for_parsing})"


def _lengths(plan: PhoneMetadata, *, local: bool) -> tuple[int, ...]:
    """How many digits a number may have, with those that are only dialled locally if wanted."""
    general = plan.general_desc
    if general is None:
        return ()
    return (*general.possible_length, *(general.possible_length_local_only if local else ()))


def _forms(plan: PhoneMetadata) -> list[str]:
    kinds = (getattr(plan, kind) for kind in _KINDS)
    return [f"(?:{kind.national_number_pattern})" for kind in kinds if kind and kind.national_number_pattern]


@lru_cache(maxsize=300)
def numbering(region: str) -> Numbering:
    """The plan of a region, read once."""
    return Numbering(region)
