"""Train, validation and test: nothing that belongs together is divided, labels keep their shares."""

from __future__ import annotations

import random
import time
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.dividing.links import found_links, near_links
from curate.dividing.split import LINKS, SPLITS, leaks, plain, ranks, split
from curate.errors import ConfigError
from curate.example import frame


def rows(count: int, labels: int = 4, groups: int = 0, seed: int = 0) -> pl.DataFrame:
    draw = random.Random(seed)
    return frame(
        [
            {
                "example_id": f"{draw.getrandbits(64):016x}",
                "label": f"l{draw.randrange(labels)}" if labels else None,
                "group": f"g{draw.randrange(groups)}" if groups else None,
                "messages": [],
            }
            for _ in range(count)
        ]
    )


def linked(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(pairs), schema=LINKS, orient="row")


NONE = linked()


def where(examples: pl.DataFrame) -> dict[str, str]:
    return dict(examples.select("example_id", "split").iter_rows())


def test_labels_keep_their_shares_to_within_a_row():
    divided, report = split(rows(1000, labels=7), NONE)
    assert report.rows == {"train": 700, "validation": 150, "test": 150}
    assert report.max_label_deviation_rows < 1
    table = Counter(divided.select("label", "split").iter_rows())
    for label, total in Counter(divided["label"]).items():
        for part, share in zip(SPLITS, (0.7, 0.15, 0.15), strict=True):
            assert abs(table[label, part] - share * total) < 1
            assert report.labels[label][part] == table[label, part]


def test_many_small_labels_do_not_all_round_the_same_way():
    divided, report = split(rows(600, labels=200), NONE)
    assert abs(report.rows["test"] - 90) <= 12 and abs(report.rows["validation"] - 90) <= 12
    assert sum(report.rows.values()) == divided.height


@given(
    st.integers(0, 50),
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=25),
    st.integers(10, 40),
)
@settings(max_examples=60, deadline=None)
def test_no_cluster_and_no_group_is_divided(seed: int, pairs: list[tuple[int, int]], groups: int):
    examples = rows(60, labels=3, groups=groups, seed=seed)
    ids = examples["example_id"]
    links = linked(*((ids[a], ids[b]) for a, b in pairs))
    try:
        divided, report = split(examples, links, seed=seed)
    except ConfigError as error:
        assert "would be empty" in error.message
        return
    part = where(divided)
    assert all(part[a] == part[b] for a, b in links.iter_rows())
    assert divided.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    assert report.crossing_groups == report.crossing_clusters == 0
    assert divided.drop("split").equals(examples.drop("split"))


def test_the_order_of_the_rows_does_not_matter():
    examples = rows(300, groups=120)
    ids = examples["example_id"].to_list()
    links = linked(*zip(ids[:40], ids[40:80], strict=True))
    one = split(examples, links, seed=5)
    two = split(examples.sample(fraction=1, shuffle=True, seed=3), links.reverse(), seed=5)
    assert where(one.examples) == where(two.examples)
    assert one.report == two.report
    assert where(split(examples, links, seed=6).examples) != where(one.examples)


def test_clusters_are_spread_over_the_parts_and_not_all_put_into_train():
    examples = rows(300, labels=1)
    ids = examples["example_id"].to_list()
    divided, _ = split(examples, linked(*zip(ids[0::2], ids[1::2], strict=True)))
    assert Counter(divided["split"]) == {"train": 210, "validation": 46, "test": 44} or all(
        abs(Counter(divided["split"])[part] - 300 * share) <= 2
        for part, share in zip(SPLITS, (0.7, 0.15, 0.15), strict=True)
    )


def test_a_set_larger_than_a_part_goes_to_train_with_a_warning():
    examples = rows(100, labels=1)
    ids = examples["example_id"].to_list()
    divided, report = split(examples, linked(*((ids[0], i) for i in ids[1:40])))
    assert {where(divided)[i] for i in ids[:40]} == {"train"}
    assert any("40 rows" in warning for warning in report.warnings)
    assert report.largest_component == 40


def test_a_label_with_one_example_stays_in_train_and_is_said():
    examples = rows(100, labels=2).with_columns(
        label=pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("rare")).otherwise("label")
    )
    for seed in range(5):
        divided, report = split(examples, NONE, seed=seed)
        assert divided.filter(label="rare")["split"].to_list() == ["train"]
        assert any("one example" in warning for warning in report.warnings)


def test_rows_that_came_with_a_split_keep_it_and_what_hangs_on_them_follows():
    examples = rows(100).with_columns(
        split=pl.when(pl.int_range(pl.len()) < 10).then(pl.lit("test")).otherwise(None)
    )
    ids = examples["example_id"].to_list()
    divided, report = split(examples, linked((ids[0], ids[50])), keep_existing=True)
    assert {where(divided)[i] for i in (*ids[:10], ids[50])} == {"test"}
    assert report.pinned == 10
    free = split(examples, NONE).examples
    assert {where(free)[i] for i in ids[:10]} != {"test"}


def test_pins_that_divide_a_cluster_are_counted_and_warned_of():
    examples = rows(100).with_columns(
        split=pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.lit("test"))
        .when(pl.int_range(pl.len()) == 1)
        .then(pl.lit("train"))
    )
    ids = examples["example_id"].to_list()
    report = split(examples, linked((ids[0], ids[1])), keep_existing=True).report
    assert report.crossing_clusters == 1
    assert "came divided" in report.warnings[0]


@pytest.mark.parametrize(
    ("count", "sizes", "words"),
    [
        (3, (70, 15, 15), "would be empty"),
        (50, (1, -1, 1), "sizes"),
        (50, (0, 1, 1), "sizes"),
        (50, (1, 1), "sizes"),
    ],
)
def test_what_cannot_be_is_an_error_with_a_hint(count: int, sizes: tuple[float, ...], words: str):
    with pytest.raises(ConfigError, match=words) as caught:
        split(rows(count), NONE, sizes=sizes)
    assert caught.value.hint


def test_a_part_of_no_size_is_left_out():
    report = split(rows(100), NONE, sizes=(80, 0, 20)).report
    assert report.rows == {"train": 80, "validation": 0, "test": 20}


def test_an_unknown_column_or_split_is_an_error():
    with pytest.raises(ConfigError, match="no column"):
        split(rows(50), NONE, by="queue")
    with pytest.raises(ConfigError, match="dev"):
        split(rows(50).with_columns(split=pl.lit("dev")), NONE, keep_existing=True)


def test_what_a_random_split_would_leak_is_counted_as_by_hand():
    examples = rows(200, groups=80)
    ids = examples["example_id"].to_list()
    pairs = [(ids[n], ids[n + 1]) for n in range(0, 60, 2)] + [(i, "cluster:x:1") for i in ids[100:106]]
    part = plain(ranks(ids, 3, "random"), __import__("numpy").array([0.7, 0.15, 0.15]))
    assert split(examples, linked(*pairs), seed=3).report.random_would_leak == leaks(
        examples, linked(*pairs), part
    )
    place = dict(zip(ids, part.tolist(), strict=True))
    near = {i: {b if i == a else a for a, b in pairs[:30] if i in (a, b)} for i in ids}
    for i in ids[100:106]:
        near[i] = set(ids[100:106]) - {i}
    test = [i for i in ids if place[i] == 2]
    twins = {i for i in test if any(place[n] == 0 for n in near[i])}
    group = dict(examples.select("example_id", "group").iter_rows())
    trained = {group[i] for i in ids if place[i] == 0}
    mates = {i for i in test if group[i] in trained}
    expected = {"test_rows": 30, "twins": len(twins), "group_mates": len(mates), "either": len(twins | mates)}
    assert leaks(examples, linked(*pairs), part) == expected
    assert expected["twins"] > 0 and expected["group_mates"] > 0


def test_a_random_split_is_marked_and_its_leaks_are_those_foretold():
    examples = rows(200)
    ids = examples["example_id"].to_list()
    links = linked(*zip(ids[:60:2], ids[1:60:2], strict=True))
    foretold = split(examples, links, seed=3).report.random_would_leak
    divided, report = split(examples, links, seed=3, random=True)
    assert report.random and report.rows == {"train": 140, "validation": 30, "test": 30}
    assert report.crossing_clusters > 0
    part = where(divided)
    twins = {b for a, b in links.iter_rows() if (part[b], part[a]) == ("test", "train")}
    twins |= {a for a, b in links.iter_rows() if (part[a], part[b]) == ("test", "train")}
    assert len(twins) == foretold["twins"] > 0


def test_thirty_thousand_rows_take_a_second_or_so():
    examples = rows(30_000, labels=77, groups=18_000)
    began = time.process_time()
    report = split(examples, NONE).report
    assert time.process_time() - began < 6  # about 0.7 on an idle core
    assert report.crossing_groups == 0 and report.max_label_deviation < 0.001


def said(*turns: tuple[str, str]) -> pl.DataFrame:
    return frame(
        [
            {
                "example_id": f"e{n}",
                "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}],
            }
            for n, (q, a) in enumerate(turns)
        ]
    )


def test_equal_near_and_contained_questions_are_linked_and_others_are_not():
    long = "how do i get a refund for the blue mug that arrived broken on monday"
    examples = said(
        ("Where is my parcel?", "It is on its way to you."),
        ("where is my PARCEL", "Ask the carrier about that, please."),
        (long, "Send us a picture."),
        (f"{long} please", "We will send another one."),
        ("completely different words about cats and dogs in the garden", f"I was asked: {long} and said no"),
        ("what is the tallest mountain of the southern hemisphere", "Aconcagua"),
    )
    links = near_links(examples, 0.6).all()
    _, report = split(examples, links, sizes=(1, 0, 0), by=None)
    assert report.components == 2 and report.largest_component == 3
    assert not set(links.filter(pl.col("example_id") == "e5").rows())


def test_links_of_findings_hold_clusters_and_pairs_whatever_was_decided():
    table = pl.DataFrame(
        {
            "check": ["near-duplicate", "near-duplicate", "contradiction", "pii"],
            "example_id": ["a", "b", "c", "d"],
            "other_id": [None, "a", "d", None],
            "cluster_id": ["n", "n", None, None],
            "decided": ["keep", "keep", None, None],
        }
    )
    hub = "cluster:near-duplicate:n"
    assert set(found_links(table).rows()) == {("a", hub), ("b", hub), ("c", "d")}


def test_counts_may_be_asked_for_and_what_is_over_gets_no_split():
    examples = rows(300, groups=150)
    report = split(examples, NONE, rows=(None, 40, 20)).report
    assert report.rows == {"train": 240, "validation": 40, "test": 20} and report.left_out == 0
    divided, report = split(examples, NONE, rows=(100, 40, 20))
    assert report.rows == {"train": 100, "validation": 40, "test": 20} and report.left_out == 140
    assert divided["split"].null_count() == 140 and report.crossing_groups == 0
    for wrong in ((None, None, 3), (300, 40, 20), (0, 1, 2), (None, 200, 100)):
        with pytest.raises(ConfigError, match="rows"):
            split(examples, NONE, rows=wrong)


def test_several_columns_keep_their_shares_at_once():
    examples = rows(3000, labels=5).with_columns(
        source=pl.Series([f"s{n % 7}" for n in range(3000)]),
        messages=pl.Series(
            [[{"role": "user", "content": "x" * (n * 37 % 400)}] for n in range(3000)],
            dtype=examples_messages(),
        ),
    )
    report = split(examples, NONE, by="label,source,length").report
    assert report.by == "label, source, length"
    assert set(report.deviation_by) == {"label", "source", "length"}
    assert max(report.deviation_by.values()) < 0.005 and report.max_label_deviation_rows < 2
    with pytest.raises(ConfigError, match="twice"):
        split(examples, NONE, by="label,label")


def examples_messages() -> pl.DataType:
    return frame([]).schema["messages"]


def test_groups_of_all_sizes_are_spread_and_labels_even():
    draw = random.Random(0)
    sizes = [min(200, int(draw.paretovariate(1.3))) for _ in range(1500)]
    made = [
        {
            "example_id": f"{g}-{n}",
            "group": f"g{g}",
            "label": f"l{g % 5 if draw.random() < 0.7 else draw.randrange(5)}",
        }
        for g, size in enumerate(sizes)
        for n in range(size)
    ]
    report = split(pl.DataFrame(made), sizes=(80, 10, 10)).report
    assert report.crossing_groups == 0
    assert report.max_label_deviation_rows < 3 and report.max_label_deviation < 0.003
    means = report.mean_component
    assert max(means.values()) < 5 * min(means.values())  # large groups do not all go one way


def test_what_could_not_be_had_is_said_with_the_numbers():
    examples = rows(200, labels=1).with_columns(
        label=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("rare")).otherwise(pl.lit("usual"))
    )
    ids = examples["example_id"].to_list()
    report = split(examples, linked(*((ids[0], i) for i in ids[1:18]))).report
    said = " ".join(report.warnings)
    assert "rare in " in said and "its 20 rows are in 3 sets, the largest of 18" in said
    assert split(rows(200, labels=2), NONE).report.warnings == []


def test_questions_that_mean_the_same_stay_together_and_a_threshold_that_ties_all_is_raised(monkeypatch):
    import numpy as np

    from curate.dividing import links
    from curate.scanning.embedding import Encoder, Vectors

    angles = {"a": 0.0, "b": 0.12, "c": 0.24, "d": 1.5, "e": 1.5 + 0.44}

    def of(self: Vectors, texts: list[str]) -> np.ndarray:
        return np.array([[np.cos(angles[t]), np.sin(angles[t])] for t in texts], dtype=np.float32)

    monkeypatch.setattr(Vectors, "of", of)
    vectors = Vectors(Encoder("toy", "", "0" * 32, ()))
    examples = said(*((letter, f"answer {letter}") for letter in "aabcde"))
    meant = links.meant_links(examples, NONE, vectors, 0.95, most=4)
    assert (meant.told.largest, meant.told.used, meant.told.warning) == (4, 0.95, "")
    report = split(examples, meant.links, sizes=(1, 0, 0), by=None).report
    assert report.largest_component == 4 and report.components == 1
    tight = links.meant_links(examples, NONE, vectors, 0.9, most=4)
    assert tight.told.pairs == 4 and tight.told.largest == 4
    raised = links.meant_links(examples, NONE, vectors, 0.95, most=2)
    assert raised.told.used > 0.95 and raised.told.largest_used <= 2
    assert "4 of 6 rows" in raised.told.warning and "may be divided" in raised.told.warning


@pytest.mark.parametrize("sizes", [(float("nan"), 1, 1), (float("inf"), 1, 1), (1e308, 1e308, 1)])
def test_sizes_that_are_no_numbers_are_refused(sizes) -> None:
    """In words, not as an error of arithmetic."""
    from curate.dividing.split import _shares
    from curate.errors import ConfigError

    with pytest.raises(ConfigError):
        _shares(sizes)


def test_where_each_label_is_one_group_it_says_so():
    """Not that a set is too large: none is."""
    table = frame(
        [
            {"example_id": f"{at:016x}", "label": f"l{at % 12}", "group": f"g{at % 12}", "messages": []}
            for at in range(600)
        ]
    )
    with pytest.raises(ConfigError, match="no label can stand in two parts") as told:
        split(table)
    assert "--by" in told.value.hint
    assert set(split(table, by=None).report.rows.values()) != {0}
