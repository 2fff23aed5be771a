"""What an example is, as columns, and the two digests that name it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import polars as pl

MESSAGE = pl.Struct(
    {
        "role": pl.String,  # system, user, assistant or tool
        "content": pl.String,  # null where an assistant only calls tools
        "name": pl.String,
        "tool_calls": pl.String,  # JSON, as it came
        "tool_call_id": pl.String,
    }
)

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "example_id": pl.String,  # where it came from; stable across versions
    "content_hash": pl.String,  # what it says now; changes with any edit
    "messages": pl.List(MESSAGE),
    "chosen": pl.String,  # preferred answer of preference data
    "rejected": pl.String,
    "label": pl.String,
    "group": pl.String,  # examples of one group never cross a split
    "split": pl.String,  # train, validation or test
    "source": pl.String,  # file name as imported
    "source_row": pl.UInt32,  # 1-based row (or line) in it
    "meta": pl.String,  # JSON object: the source's other columns, verbatim
    "layout": pl.String,  # JSON object: the source's format and what gives the row back in it
}
EXAMPLES = pl.Schema(COLUMNS)

CONTENT = ("messages", "chosen", "rejected", "label", "meta")


def digest(*parts: str) -> str:
    """A 128-bit BLAKE2b of the parts, length-prefixed so that no two lists of parts collide."""
    hasher = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hasher.update(f"{len(data)}:".encode())
        hasher.update(data)
    return hasher.hexdigest()


def digests(rows: pl.DataFrame) -> list[str]:
    """`digest` of each row's columns, which hold strings; null is as the empty one."""
    parts = [pl.col(name).fill_null("") for name in rows.columns]
    prefixed = [pl.concat_str(part.str.len_bytes().cast(pl.String), pl.lit(":"), part) for part in parts]
    texts = rows.select(pl.concat_str(prefixed)).to_series()
    return [blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]


def _prefixed(column: pl.Expr) -> pl.Expr:
    """`<bytes>:<text>`, or `-` for null: injective, so that no two contents read the same."""
    text = column.cast(pl.String)
    return (
        pl.when(text.is_null())
        .then(pl.lit("-"))
        .otherwise(pl.concat_str(text.str.len_bytes().cast(pl.String), pl.lit(":"), text))
    )


def canonical() -> pl.Expr:
    """One string for all that an example says: messages, chosen, rejected, label and meta."""
    fields = [_prefixed(pl.element().struct.field(name)) for name in MESSAGE.to_schema()]
    messages = pl.col("messages").list.eval(pl.concat_str(fields)).list.join("|")
    count = pl.col("messages").list.len().cast(pl.String)
    rest = [_prefixed(pl.col(name)) for name in CONTENT[1:]]
    return pl.concat_str(count, pl.lit("|"), messages, *rest)


def with_content_hash(examples: pl.DataFrame) -> pl.DataFrame:
    """The examples with `content_hash` made again from what they say."""
    texts = examples.select(canonical()).to_series()
    hashes = [blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
    return examples.with_columns(pl.Series("content_hash", hashes, dtype=pl.String))


def with_ids(examples: pl.DataFrame, origins: Iterable[str]) -> pl.DataFrame:
    """The examples with `content_hash` and `example_id`.

    `origins` holds each row's original text as it stood in the source. The id is a digest of the
    source's name, that text, and how many equal rows came before it, so that a row inserted above
    changes no other row's id.
    """
    seen: Counter[tuple[str, str]] = Counter()
    ids: list[str] = []
    for source, origin in zip(examples["source"], origins, strict=True):
        key = (source, origin)
        ids.append(digest(source, origin, str(seen[key])))
        seen[key] += 1
    return with_content_hash(examples.with_columns(pl.Series("example_id", ids, dtype=pl.String)))


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Rows with any of the columns of EXAMPLES as a frame with all of them; absent is null."""
    full = [{name: row.get(name) for name in EXAMPLES} for row in rows]
    return pl.DataFrame(full, schema=EXAMPLES, orient="row")


# A key of only such words holds no personal value by its form, so it may stand in the name of a place
_PLAIN = re.compile(r"(?=.{1,60}\Z)[^\W\d_]{1,14}[0-9]?(?:[_ ][^\W\d_]{1,14}[0-9]?){0,9}")
LONG_NUMBER = 7  # digits; a shorter number is no telephone, card or account
KEY = "#"  # ends the name of a place that is a key itself


def step_of(key: str, index: int) -> str:
    """How a key, the `index`-th of its object, is called in a place: itself if plain words, else `#index`."""
    return key if _PLAIN.fullmatch(key) else f"#{index}"


def scalar_text(value: object) -> str | None:
    """A JSON string, or a number of 7 or more digits, as text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # a table that has a gap in it makes 4111111111111111 to 4111111111111111.0
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e17
    text = str(int(value) if whole else value)
    return text if sum(map(str.isdigit, text)) >= LONG_NUMBER else None


def pointers(value: object, at: str = "") -> Iterator[tuple[str, str]]:
    """(place, text) for each text inside a JSON value, in document order.

    A place is a path, `/contact/mails/0`. Keys that are more than plain words stand in it by their
    number, `/contact/#2`, for such a key may be somebody's address; so they are texts themselves, at a
    place that ends in `#`. Texts are strings, such keys, and numbers of 7 or more digits.
    """
    if isinstance(value, dict):
        for index, (key, item) in enumerate(value.items()):
            step = step_of(key, index)
            if step != key:
                yield f"{at}/{step}{KEY}", key
            yield from pointers(item, f"{at}/{step}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from pointers(item, f"{at}/{index}")
    else:
        text = scalar_text(value)
        if text is not None:
            yield at, text


def strings(examples: pl.DataFrame) -> Iterator[tuple[str, int | None, str, str]]:
    """(example_id, message index or None, field, text) for each string that an example holds.

    Fields of a message: content, name, tool_calls, tool_call_id. Of the whole example: chosen,
    rejected, label, and `meta:/place` for each text within `meta` as `pointers` names them, its keys
    and long numbers too. These are the places a finding can name and `apply` can edit.
    """
    columns = examples.select("example_id", "messages", "chosen", "rejected", "label", "meta")
    for example_id, messages, chosen, rejected, label, meta in columns.iter_rows():
        for index, message in enumerate(messages or ()):
            for field in ("content", "name", "tool_calls", "tool_call_id"):
                if message[field]:
                    yield example_id, index, field, message[field]
        for field, text in (("chosen", chosen), ("rejected", rejected), ("label", label)):
            if text:
                yield example_id, None, field, text
        if meta and meta != "{}":
            for pointer, text in pointers(json.loads(meta)):
                if text:
                    yield example_id, None, f"meta:{pointer}", text


def prompt_text(messages: list[dict[str, str | None]]) -> str:
    """What was asked: the user's and tools' turns before the last answer, without the system prompt.

    The system prompt is left out since it is often the same on each row and says nothing of it.
    """
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=len(messages))
    return "\n".join(m["content"] or m["tool_calls"] or "" for m in messages[:last] if m["role"] != "system")


def answer_text(messages: list[dict[str, str | None]]) -> str:
    """What was answered: the last assistant turn's text, or the tools it called; empty if none."""
    for message in reversed(messages):
        if message["role"] == "assistant":
            return message["content"] or message["tool_calls"] or ""
    return ""
