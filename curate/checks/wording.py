"""What of an example is compared with others, in which form, and cut into which shingles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence, Set
from functools import cache
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.errors import ConfigError
from curate.example import answer_text, prompt_text

Hashes = NDArray[np.uint64]

COMPARE = ("whole", "prompt", "answer")
WORDS = 3  # to a shingle
MOST_CODES = 300_000  # of words that are kept from batch to batch; about 40 MB
CHARACTERS = 5  # to a shingle where words are not set apart, or are too few

_FOLDED = str.maketrans(
    {mark: " " for mark in "、。，！？；：「」『』【】〈〉《》・؟،؛।"}
    | {mark: "'" for mark in "‘’‚‛`´"}
    | {mark: '"' for mark in "“”„‟"}
    # format characters that no reader sees: joiners, directions, variation selectors, soft hyphen
    | {chr(code): None for code in (0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F))}
    | {chr(code): None for code in (*range(0x2060, 0x2065), *range(0xFE00, 0xFE10))}
    # a power is no further digit: 10⁵ is not 105
    | {power: f"^{digit}" for digit, power in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
)
# A mark alone inside a word or number stays (3.5, it's, f(x), a/b): there it carries meaning. So does the point
# before a number (.5), and where `!` denies or counts (x != y, !ready, n!, 10!). The pattern
# begins with what is rare, which is five times as quick as to look around at each character
_MARK = r"[.,;:!?'\"«»…–—]"
_DENIES = r"(?!(?<=!)=)(?<!\d!)(?<!(?<![^\W_])[^\W_]!)"  # of a mark behind which no letter or digit stands
_MARKS = re.compile(
    rf"{_MARK}(?:{_MARK}+|(?![^\W_]){_DENIES}|(?=[^\W_])(?<![^\W_]{_MARK})(?<!!)(?!(?<=\.)\d))"
)
_NO_SPACES = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
_UNSPACED = re.compile(_NO_SPACES)
_GAP = re.compile(rf" (?={_NO_SPACES})|(?<={_NO_SPACES}) ")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z]\w+")
# words that deny; those that deny by a piece of a word, as Czech and Turkish do, have none in common
_DENYING = frozenset(
    """no not never none cannot without hardly barely scarcely neither nor nobody nothing nowhere unless except
    nicht nichts nie niemals ohne kaum weder keinesfalls keineswegs kein keine keinen keinem keiner keines
    ne pas jamais sans aucun aucune rien personne sin nunca jamás tampoco ningún ninguna ninguno nada nadie
    não nem jamais nenhum nenhuma sem non mai senza né nemmeno neanche neppure nessun nessuno nessuna niente
    niet geen nooit zonder niets inte ej icke aldrig ingen inget inga utan ikke aldri intet uten uden
    ei eivät älä älkää ilman koskaan nie bez nigdy żaden żadna żadne nikt nic není nejsou nikdy žádný žádná žádné
    nu fără niciodată niciun nicio nem nincs soha nélkül değil yok hiç asla olmadan
    tidak bukan tanpa jangan belum tak không chưa chẳng đừng
    не нет ни без никогда нельзя никто ничего немає ні ніколи няма никога δεν μη μην χωρίς ποτέ όχι ούτε
    لا لم لن ليس ليست لست غير بدون دون أبدا نیست نه هرگز نہیں نہ بغیر לא אין בלי ללא מעולם
    नहीं नही मत न बिना कभी না নেই নয় নি ছাড়া இல்லை కాదు లేదు 안 못 없이""".casefold().split()
)
_NEGATION = re.compile(
    r"n't\b|[不没沒无無未勿]|(?<![特分区個个级类性差识辨告离])[别別](?![人的])|ません|ない|[えけせてねへめれげべから]ず(?![れねか])|않|없(?!이)|못하|ไม่|อย่า|ห้าม"
)
# what belongs to a number: its sign, its money, its share of a hundred
_QUANTITY = re.compile(
    r"(?:(?<![\w)\].,-])-)?[$€£¥₹₽]?(?:(?<![\w.])\.)?\d+(?:[.,:/^-]\d+)*(?: ?[%‰°$€£¥₹₽])?"
)


class Wording(NamedTuple):
    """The parts of one example that say something, verbatim."""

    example_id: str
    system: str
    question: str
    answer: str
    chosen: str
    rejected: str

    def parts(self, compare: str) -> tuple[str, ...]:
        """What is compared: `whole` (all but the system prompt), `prompt` or `answer`."""
        if compare == "prompt":
            return (self.question,)
        if compare == "answer":
            return (self.answer or self.chosen,)
        return (self.question, self.answer, self.chosen, self.rejected)


class Named(NamedTuple):
    """The names in a text, and all its words; both folded."""

    names: frozenset[str]
    words: frozenset[str]


def wordings(examples: pl.DataFrame) -> Iterable[Wording]:
    """The wording of each example, in order; an absent part is empty."""
    columns = examples.select("example_id", "messages", "chosen", "rejected")
    for example_id, messages, chosen, rejected in columns.iter_rows():
        turns = messages or []
        system = "\n".join(turn["content"] or "" for turn in turns if turn["role"] == "system")
        answer = "" if chosen is not None else answer_text(turns)
        yield Wording(example_id, system, prompt_text(turns), answer, chosen or "", rejected or "")


def said(examples: pl.DataFrame) -> pl.DataFrame:
    """What `wordings` gives, as columns: question, answer, chosen and rejected, row by row."""
    rows = examples.select("messages", "chosen", "rejected").with_row_index("row")
    fields = {name: pl.col("messages").struct.field(name) for name in ("role", "content", "tool_calls")}
    turns = rows.select("row", "messages").explode("messages").select("row", **fields)
    content, calls = pl.col("content"), pl.col("tool_calls").fill_null("")
    turns = turns.with_columns(
        text=pl.when(content.is_null() | (content == "")).then(calls).otherwise(content),
        place=pl.int_range(pl.len()).over("row"),
        answers=pl.col("role").eq_missing("assistant"),
    ).with_columns(last=pl.col("place").filter("answers").max().over("row"))
    asked = turns.filter(
        (pl.col("last").is_null() | (pl.col("place") < pl.col("last"))) & pl.col("role").ne_missing("system")
    )
    questions = asked.group_by("row", maintain_order=True).agg(question=pl.col("text").str.join("\n"))
    answers = turns.filter(pl.col("place") == pl.col("last")).select("row", answer="text")
    joined = rows.join(questions, on="row", how="left", maintain_order="left").join(
        answers, on="row", how="left", maintain_order="left"
    )
    answer = pl.when(pl.col("chosen").is_null()).then(pl.col("answer").fill_null("")).otherwise(pl.lit(""))
    return joined.select(
        pl.col("question").fill_null(""),
        answer=answer,
        chosen=pl.col("chosen").fill_null(""),
        rejected=pl.col("rejected").fill_null(""),
    )


def check_compare(compare: str) -> None:
    """Raise ConfigError unless `compare` is one of COMPARE."""
    if compare not in COMPARE:
        raise ConfigError(f"compare is `{compare}`", hint=f"it is one of {', '.join(COMPARE)}")


def normalise(text: str) -> str:
    """The text with case, white space, sentence marks and Unicode forms (NFKC) folded.

    Marks inside words and numbers stay. Beside a script that sets no spaces a space says nothing, and goes:
    people set one round Latin words there or not. A text of marks alone stays as it is, so that `?` and `!`
    do not become equal.
    """
    folded = text
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", text.translate(_FOLDED)).translate(_FOLDED)
    words = " ".join(_MARKS.sub(" ", folded.casefold()).split())
    if not words:
        return " ".join(text.split())
    return without_gaps(words)


def without_gaps(words: str) -> str:
    """The words without the spaces beside a script that sets none."""
    return words if words.isascii() else _GAP.sub("", words)


def normalised(parts: Iterable[str]) -> str:
    """The parts in normal form, one a line; empty if all of them are."""
    return "\n".join(normalise(part) for part in parts).strip("\n")


def is_unspaced(text: str) -> bool:
    """Whether a good part of a text is of a script that sets no spaces."""
    return not text.isascii() and len(_UNSPACED.findall(text)) * 3 >= len(text)


def tokens(text: str) -> tuple[Sequence[str], int]:
    """What a normalised text is made of, and how many of them make a shingle.

    Words by threes; characters by fives where the script sets no spaces, or where there are fewer
    than three words. A text shorter than a shingle is one token: itself.
    """
    words = text.split()
    if len(words) >= WORDS and not is_unspaced(text):
        return words, WORDS
    characters = text.replace(" ", "").replace("\n", "") if len(words) >= WORDS else text
    return (characters, CHARACTERS) if len(characters) >= CHARACTERS else ((text,) if text else (), 1)


def jaccard(left: Set[object], right: Set[object]) -> float:
    """Shared over all, 0 to 1; 0 where both are empty."""
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared) if shared else 0.0


class _Codes(dict[str, int]):
    """A 64-bit code for each token, made when first asked for; the same in every process."""

    def __missing__(self, token: str) -> int:
        data = token.encode("utf-8", "surrogatepass")
        code = self[token] = int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
        return code


@cache
def _known_codes() -> _Codes:
    return _Codes()


def _codes() -> _Codes:
    """Those of this process: most words of a batch stood in one before."""
    codes = _known_codes()
    if len(codes) > MOST_CODES:
        codes.clear()
    return codes


def hashed_shingles(texts: Iterable[str]) -> pl.Series:
    """The shingles of each normalised text as sorted distinct 64-bit hashes: List(UInt64)."""
    codes = _codes()
    cut = [tokens(text) for text in texts]
    sizes = np.array([len(pieces) for pieces, _ in cut], dtype=np.int64)
    widths = np.array([width for _, width in cut], dtype=np.int64)
    every = chain.from_iterable(pieces for pieces, _ in cut)
    flat = np.fromiter(map(codes.__getitem__, every), dtype=np.uint64, count=int(sizes.sum()))
    counts = np.maximum(sizes - widths + 1, 0)  # of shingles
    owner = np.repeat(np.arange(len(cut)), counts)
    begins = np.cumsum(counts) - counts
    # where each shingle begins in `flat`
    first = np.arange(int(counts.sum())) + (np.cumsum(sizes) - sizes - begins)[owner]
    hashes = np.empty(len(first), dtype=np.uint64)
    for width in np.unique(widths).tolist():
        here = widths[owner] == width
        hashes[here] = mixed([flat[first[here] + step] for step in range(width)], width)
    for begin, end in zip(begins.tolist(), (begins + counts).tolist(), strict=True):
        hashes[begin:end].sort()
    fresh = np.ones(len(hashes), dtype=np.bool_)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    return _lists(hashes[fresh], np.bincount(owner[fresh], minlength=len(cut)))


def _lists(values: Hashes, sizes: NDArray[np.int64]) -> pl.Series:
    """List(UInt64): the values, so many to a row."""
    full = np.flatnonzero(sizes)
    rows = pl.DataFrame({"row": np.repeat(full, sizes[full]), "shingles": values})
    lists = rows.group_by("row", maintain_order=True).agg("shingles")["shingles"]
    places = np.zeros(len(sizes), dtype=np.uint32)
    places[full] = np.arange(1, len(full) + 1)
    empty = pl.Series("shingles", [[]], dtype=pl.List(pl.UInt64))
    return pl.concat([empty, lists.cast(pl.List(pl.UInt64))]).gather(places)


def shingle_sets(texts: Iterable[str]) -> list[frozenset[int]]:
    """The shingles of each normalised text, as hashes; empty only for the empty text."""
    return [frozenset(row.to_list()) for row in hashed_shingles(texts)]


def mixed(columns: Sequence[Hashes], seed: int) -> Hashes:
    """One hash from several, row by row; their order and the seed matter."""
    mix = np.full(len(columns[0]), np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed), dtype=np.uint64)
    for column in columns:
        mix = (mix ^ column) * np.uint64(0xBF58476D1CE4E5B9)
        mix ^= mix >> np.uint64(29)
    return mix


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in a text, sorted: two templated questions differ by these."""
    return tuple(sorted(_NUMBER.findall(text)))


def quantities(text: str) -> tuple[str, ...]:
    """The numbers in a text with their signs (-5, .5, 5%, $5), sorted: copies have the same."""
    return tuple(sorted(found.replace(" ", "") for found in _QUANTITY.findall(text)))


def named(verbatim: str) -> Named:
    """The names of a text as it came: words with a capital where no sentence starts."""
    folded = frozenset(word.casefold() for word in _NAME.findall(verbatim))
    return Named(folded, frozenset(_WORD.findall(verbatim.casefold())))


def other_names(left: Named, right: Named) -> bool:
    """Whether each of two texts names something that the other does not speak of."""
    return bool(left.names - right.words) and bool(right.names - left.words)


def negations(text: str) -> int:
    """How many words of a normalised text deny something, in some forty languages."""
    words = sum(word.strip("()[]\"'*_") in _DENYING for word in text.split())
    return words + (len(_NEGATION.findall(text)) if "'" in text or not text.isascii() else 0)
