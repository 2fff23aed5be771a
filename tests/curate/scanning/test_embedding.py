"""Vectors of texts: kept, found again, and of the text alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from curate.errors import ConfigError
from curate.scanning.embedding import Encoder, Vectors, find_encoder, with_units

NOBODY = Encoder("nobody", "", "0" * 32, ("en",))


@pytest.fixture(name="packaged", scope="module")
def _packaged():
    encoder = find_encoder("auto")
    if encoder is None:
        pytest.skip("the packaged encoder is not installed (extra [embed])")
    return encoder


def known(**texts):
    """A store that holds these vectors and never encodes."""
    from curate.scanning.embedding import key_of

    return Vectors(
        NOBODY, known={key_of(text): np.array(row, dtype=np.float16) for text, row in texts.items()}
    )


def test_vectors_are_of_unit_length_and_of_nothing_zero():
    rows = known(one=[3, 4]).of(["one", ""])
    assert rows.tolist() == [[pytest.approx(0.6, abs=1e-3), pytest.approx(0.8, abs=1e-3)], [0, 0]]


def test_each_distinct_text_has_one_vector_and_a_row_without_text_has_none():
    sketches = pl.DataFrame({"texts": [["a", "b"], [], ["b"], ["a"]]}, schema={"texts": pl.List(pl.String)})
    numbered, units = with_units(sketches, known(a=[1, 0], b=[0, 1]))
    assert numbered["units"].to_list() == [[0, 1], [], [1], [0]]
    assert units.vectors.shape == (2, 2)
    assert units.languages == ("en",)


def test_a_vector_does_not_depend_on_what_else_is_encoded(packaged):
    """Nor does it when it is read from the cache."""
    texts = [
        "my card is lost",
        "a much longer text that would pad the first one to a length of its own",
        "hi",
    ]
    together = Vectors(packaged).of(texts)
    alone = np.vstack([Vectors(packaged).of([text]) for text in texts])
    assert (together == alone).all()


def test_what_was_encoded_is_read_again(packaged, tmp_path):
    first = Vectors(packaged, tmp_path).of(["where is my card"])
    again = Vectors(packaged, tmp_path)
    assert len(again.known) == 1
    assert (again.of(["where is my card"]) == first).all()


def test_a_torn_file_of_the_cache_is_never_read(packaged, tmp_path):
    """A run that was killed leaves a part; its final name exists only if it is whole."""
    Vectors(packaged, tmp_path).of(["where is my card"])
    (tmp_path / "feed.123.part").write_bytes(b"half")
    assert len(Vectors(packaged, tmp_path).known) == 1


def test_no_encoder_is_an_answer():
    assert find_encoder("none") is None


def test_a_path_without_a_model_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"no weights|no encoder"):
        find_encoder(str(tmp_path))


def test_threads_that_wait_for_others_do_not_spin():
    """Beside other work an encoder's short texts take 15 times as long where they do."""
    import os

    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
