"""Texts in parts that an encoder reads whole, by its own tokenizer."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curate.checks.semantic_duplicate import pieces
from curate.errors import ConfigError
from curate.scanning import embedding
from curate.scanning.embedding import Encoder, Vectors, find_encoder, key_of, with_units
from curate.scanning.windows import Window, may_exceed, parts_of, window_of

ROOM = 8


@pytest.fixture
def made(tmp_path: Path) -> Window:
    """A tokenizer made here: each word a token, each figure one of its own; it reads ten, two of them its own."""
    tokenizers = pytest.importorskip("tokenizers")
    words = ["[UNK]", "[CLS]", "[SEP]", *"0123456789", "word", "long", "end"]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Whitespace(), tokenizers.pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.enable_truncation(4)  # as such files have it: it must not count here
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": ROOM + 2}))
    window = window_of(str(tmp_path))
    assert window is not None and window.room == ROOM
    return window


def tokens(text: str, window: Window) -> int:
    """How many tokens of its own a text has."""
    return len(window.tokenizer.encode(text, add_special_tokens=False).ids)


def letters(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def test_each_part_fits_and_nothing_is_lost(made: Window) -> None:
    """Words, figures without a space between them, and both; half a character too."""
    draw = random.Random(3)
    texts = ["", "word", "word " * 8, "word " * 9, "0123456789" * 5, "word \ud800 long " * 9]
    texts += ["".join(draw.choice(["word ", "7", "long\n", "9 ", "  "]) for _ in range(n)) for n in range(60)]
    for text, parts in zip(texts, parts_of(texts, made), strict=True):
        assert letters("".join(parts)) == letters(text)
        assert all(tokens(part.replace("\ud800", "?"), made) <= ROOM for part in parts)
        if tokens(text.replace("\ud800", "?"), made) <= ROOM:
            assert parts == [text]


def test_it_is_cut_at_white_space_where_there_is_some(made: Window) -> None:
    """But not so early that most of the window stays empty."""
    assert parts_of(["word word word word word 12345"], made) == [["word word word word word", "12345"]]
    assert parts_of(["word 123456789"], made) == [["word 1234567", "89"]]


def test_what_cannot_exceed_is_not_cut_into_tokens(made: Window) -> None:
    """Fewer bytes than the window has tokens."""
    assert not may_exceed("1" * ROOM, made) and may_exceed("1" * (ROOM + 1), made)
    assert may_exceed("\u00e9" * 5, made)


def test_a_folder_that_says_nothing_has_no_window(tmp_path: Path) -> None:
    """Then texts are encoded as they are; a damaged file is told."""
    assert window_of(str(tmp_path)) is None and window_of("") is None
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "sentence_bert_config.json").write_text("{}")
    (bad / "tokenizer.json").write_text("{")
    pytest.importorskip("tokenizers")
    with pytest.raises(ConfigError, match="bad"):
        window_of(str(bad))


class Speaker:
    """Stands for a loaded encoder: it reads ROOM tokens of a text, and counts the figures among them."""

    def __init__(self, window: Window) -> None:
        self.window, self.said = window, list[str]()

    def of(self, store: Vectors, missing: dict[bytes, str]) -> None:
        """As `Vectors._encode`."""
        for key, text in sorted(missing.items()):
            ids = self.window.tokenizer.encode(text, add_special_tokens=False).tokens[:ROOM]
            self.said.append(text)
            figures = [sum(each == str(n) for each in ids) for n in range(10)]
            store.known[key] = np.array([*figures, 1], dtype=np.float16)
            store._write([key], store.known[key][None])


def test_the_end_of_a_long_text_counts(made: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts that differ behind the window differ; what fits keeps the vector it had, and is not encoded again."""
    speaker = Speaker(made)
    monkeypatch.setattr(embedding.Vectors, "_encode", lambda store, missing: speaker.of(store, missing))
    store = tmp_path / "store"
    encoder = Encoder("made", str(tmp_path), "0" * 32, ("en",))
    one, two, fits = "1 " * 8 + "2 " * 8, "1 " * 8 + "3 " * 8, "word word long"
    old = Vectors(encoder, store).of([one, two, fits])
    assert (old[0] == old[1]).all(), "cut off without a word"
    speaker.said.clear()
    table = pl.DataFrame({"texts": [[one], [two], [fits], [""]]})
    _, units = with_units(table, Vectors(encoder, store))
    assert not (units.vectors[0] == units.vectors[1]).all()
    assert units.vectors[0] @ units.vectors[1] == pytest.approx(0.5, abs=0.02)
    assert (units.vectors[2] == old[2]).all() and fits not in speaker.said
    assert not units.vectors[3].any() and len(speaker.said) == 3
    speaker.said.clear()
    again = Vectors(encoder, store)
    monkeypatch.setattr(
        embedding, "parts_of", lambda texts, window: pytest.fail("cut again") if texts else []
    )
    assert (with_units(table, again)[1].vectors == units.vectors).all() and speaker.said == []
    assert key_of(fits) in again.known


def test_the_packaged_encoder_reads_all_of_each_part() -> None:
    """Code and figures: pieces of 800 characters are more than its window, the parts are not."""
    encoder = find_encoder("auto")
    window = window_of(encoder.place) if encoder is not None else None
    if window is None:
        pytest.skip("the packaged encoder is not installed (extra [embed])")
    assert window.room == 254
    draw = random.Random(5)
    figures = json.dumps([round(draw.random() * 1e6, 3) for _ in range(400)])
    code = "".join(f"    self.x_{n}[i + {n}] = (a[{n}:-1] ** 2) // b[{n % 7}]\n" for n in range(80))
    prose = "the parcel that was sent to us last week has not arrived here yet " * 40
    cut = {name: pieces(text) for name, text in (("figures", figures), ("code", code), ("prose", prose))}
    assert all(tokens(piece, window) > 254 for name in ("figures", "code") for piece in cut[name][:2])
    for name, own in cut.items():
        for piece, parts in zip(own, parts_of(own, window), strict=True):
            assert all(0 < tokens(part, window) <= 254 for part in parts)
            assert letters("".join(parts)) == letters(piece) and (name != "prose" or parts == [piece])
