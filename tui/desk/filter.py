"""The queue's filter: a small expression, read by Python's parser and turned into a polars expression.

`check == "pii" and score > 0.8`, `label in ("EMAIL", "PHONE") or "refund" in evidence`,
`decided is None`, `not blocking`; or a kind as the list shows it, `pii/PERSON`. Only the node types below are let through; nothing is evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from difflib import get_close_matches

import polars as pl

from curate.checks import CHECKS
from curate.errors import ConfigError

LONGEST = 2_000  # characters of an expression
DEEPEST = 50  # levels of nesting

TEXT, NUMBER, TRUTH = "text", "number", "yes or no"
_KIND = re.compile(r"\s*([a-z-]+)(?:/([\w-]+))?\s*")
_EXAMPLE = 'for example: check == "pii" and score > 0.8'


def kinds(schema: Mapping[str, pl.DataType]) -> dict[str, str]:
    """Which columns a filter may name, and whether each is text, a number or yes/no."""
    found: dict[str, str] = {}
    for name, dtype in schema.items():
        if dtype == pl.Boolean:
            found[name] = TRUTH
        elif dtype.is_numeric():
            found[name] = NUMBER
        elif dtype in (pl.String, pl.Categorical):
            found[name] = TEXT
    return found


def compile_filter(text: str, columns: Mapping[str, str]) -> pl.Expr:
    """The expression as one that is true or false (never null) for each row.

    `columns` maps each name to its kind, as `kinds` gives them. Raises ConfigError, with what is wrong
    and what would be right.
    """
    if len(text) > LONGEST:
        raise ConfigError(f"the filter has {len(text):,} characters; {LONGEST:,} is the most", hint=_EXAMPLE)
    if "check" in columns:
        text = _spelt_out(text)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise ConfigError(f"the filter cannot be read{where}", hint=_EXAMPLE) from error
    return _truth(tree.body, columns, 0)


def _spelt_out(text: str) -> str:
    """A kind alone, `pii` or `pii/PERSON`, as the comparison that it stands for; anything else as it is."""
    kind = _KIND.fullmatch(text)
    if kind is None or kind[1] not in CHECKS:
        return text
    return f'check == "{kind[1]}"' + (f' and label == "{kind[2]}"' if kind[2] else "")


def names_in(text: str) -> set[str]:
    """The names that an expression uses; empty if it cannot be read."""
    try:
        return {
            node.id
            for node in ast.walk(ast.parse(_spelt_out(text).strip(), mode="eval"))
            if isinstance(node, ast.Name)
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _truth(node: ast.expr, columns: Mapping[str, str], depth: int) -> pl.Expr:
    if depth > DEEPEST:
        raise ConfigError(f"the filter is nested more than {DEEPEST} levels deep", hint=_EXAMPLE)
    if isinstance(node, ast.BoolOp):
        parts = [_truth(value, columns, depth + 1) for value in node.values]
        return pl.all_horizontal(parts) if isinstance(node.op, ast.And) else pl.any_horizontal(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_truth(node.operand, columns, depth + 1)
    if isinstance(node, ast.Compare):
        return _comparisons(node, columns)
    if isinstance(node, ast.Name):
        kind = _kind(node, columns)
        if kind != TRUTH:
            raise ConfigError(
                f"`{node.id}` alone is no condition", hint=f'{node.id} == "..." compares it; {_EXAMPLE}'
            )
        return pl.col(node.id).fill_null(value=False)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return pl.lit(node.value)
    raise ConfigError(
        f"`{ast.unparse(node)[:40]}` is not something a filter can hold",
        hint=f"comparisons joined by and, or, not; {_EXAMPLE}",
    )


def _kind(node: ast.Name, columns: Mapping[str, str]) -> str:
    if node.id in columns:
        return columns[node.id]
    near = get_close_matches(node.id, columns, n=1)
    known = f"did you mean `{near[0]}`?" if near else f"columns: {', '.join(sorted(columns))}"
    if "check" in columns and not near:
        known = f'text stands in quotes: check == "{node.id}"; {known}'
    raise ConfigError(f"there is no column `{node.id}`", hint=known)


def _comparisons(node: ast.Compare, columns: Mapping[str, str]) -> pl.Expr:
    sides = [node.left, *node.comparators]
    parts = [
        _comparison(left, operator, right, columns)
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
    ]
    return parts[0] if len(parts) == 1 else pl.all_horizontal(parts)


def _constant(node: ast.expr) -> object:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [_constant(item) for item in node.elts]
    raise ConfigError(
        f"`{ast.unparse(node)[:40]}` is no value", hint='values are "text", numbers, True, False, None'
    )


_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq,
}  # fmt: skip


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr, columns: Mapping[str, str]) -> pl.Expr:
    if isinstance(operator, ast.In | ast.NotIn):
        found = _membership(left, right, columns)
        return ~found if isinstance(operator, ast.NotIn) else found
    kind = type(operator)
    if isinstance(left, ast.Name) and isinstance(right, ast.Name):
        return _between_columns(left, kind, right, columns)
    if not isinstance(left, ast.Name) and type(operator) in _TURNED:
        left, right, kind = right, left, _TURNED[kind]
    if not isinstance(left, ast.Name):
        raise ConfigError(f"`{ast.unparse(left)[:40]}` is no column", hint=_EXAMPLE)
    return _against_value(left, kind, _constant(right), columns)


def _between_columns(
    left: ast.Name, kind: type[ast.cmpop], right: ast.Name, columns: Mapping[str, str]
) -> pl.Expr:
    if _kind(left, columns) != _kind(right, columns):
        raise ConfigError(f"`{left.id}` and `{right.id}` are of different kinds", hint=_EXAMPLE)
    return _operate(pl.col(left.id), kind, pl.col(right.id))


def _against_value(
    left: ast.Name, kind: type[ast.cmpop], value: object, columns: Mapping[str, str]
) -> pl.Expr:
    column_kind = _kind(left, columns)
    column = pl.col(left.id)
    if value is None:
        if kind in (ast.Is, ast.Eq):
            return column.is_null()
        if kind in (ast.IsNot, ast.NotEq):
            return column.is_not_null()
    _must_fit(left.id, column_kind, value)
    if column_kind == TRUTH and kind in (ast.Is, ast.IsNot):
        kind = ast.Eq if kind is ast.Is else ast.NotEq
    return _operate(column, kind, pl.lit(value))


def _must_fit(name: str, kind: str, value: object) -> None:
    fits = {
        TEXT: isinstance(value, str),
        NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
        TRUTH: isinstance(value, bool),
    }[kind]
    if not fits:
        raise ConfigError(f"`{name}` is {kind}; it cannot be compared with {value!r:.40}", hint=_EXAMPLE)
    if isinstance(value, int) and abs(value) > 2**53:
        raise ConfigError(f"{str(value)[:20]} is beyond any value here", hint=_EXAMPLE)


def _operate(column: pl.Expr, kind: type[ast.cmpop], value: pl.Expr) -> pl.Expr:
    if kind is ast.Eq:
        return column.eq_missing(value)
    if kind is ast.NotEq:
        return column.ne_missing(value)
    orders = {
        ast.Lt: column < value,
        ast.LtE: column <= value,
        ast.Gt: column > value,
        ast.GtE: column >= value,
    }
    if kind not in orders:
        raise ConfigError("`is` goes with None, True or False", hint="decided is None")
    return orders[kind].fill_null(value=False)


def _membership(left: ast.expr, right: ast.expr, columns: Mapping[str, str]) -> pl.Expr:
    if isinstance(right, ast.Name):  # "text" in column
        value = _constant(left)
        if _kind(right, columns) != TEXT or not isinstance(value, str):
            raise ConfigError(f"`in {right.id}` looks for text in text", hint='"refund" in evidence')
        return pl.col(right.id).str.contains(value, literal=True).fill_null(value=False)
    if not isinstance(left, ast.Name):
        raise ConfigError(f"`{ast.unparse(left)[:40]}` is no column", hint='label in ("EMAIL", "PHONE")')
    values = _constant(right)
    if not isinstance(values, list):
        raise ConfigError("`in` needs a list of values or a column", hint='label in ("EMAIL", "PHONE")')
    for value in values:
        _must_fit(left.id, _kind(left, columns), value)
    return pl.col(left.id).is_in(values).fill_null(value=False) if values else pl.lit(value=False)
