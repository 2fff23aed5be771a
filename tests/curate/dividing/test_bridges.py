"""A split depends on rows and settings alone; what ties nearly all rows is named, and set aside on request."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import polars as pl
import pytest

from curate.commands import main as cli
from curate.dividing.bridges import NOWHERE, blocks, bridges
from curate.dividing.split import LINKS, leaks, split
from curate.dividing.tied import near_causes, told_of_largest
from curate.dividing.together import hashes as hashed
from curate.dividing.together import places, ties
from curate.errors import ConfigError
from curate.workspace import Workspace

GROUPS, EACH = 60, 5


def chained(seed: int = 1, twins: int = 55) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Groups of five rows, and twins between them that tie nearly all groups into one set."""
    draw = random.Random(seed)
    made = pl.DataFrame(
        {
            "example_id": [f"r{n:04}" for n in range(GROUPS * EACH)],
            "group": [f"g{n // EACH}" for n in range(GROUPS * EACH)],
            "label": [f"l{n % 4}" for n in range(GROUPS * EACH)],
        }
    )
    ids = made["example_id"].to_list()
    pairs = [tuple(draw.sample(ids, 2)) for _ in range(twins)]
    shared = [(draw.choice(ids), f"cluster:{n}") for n in range(10) for _ in range(3)]
    return made, pl.DataFrame(pairs + shared, schema=LINKS, orient="row")


def parts(examples: pl.DataFrame) -> pl.Series:
    return examples["split"].replace_strict({"train": 0, "validation": 1, "test": 2}, default=NOWHERE)


def test_a_set_of_nearly_all_rows_is_short_and_taken_apart_by_few_rows():
    examples, links = chained()
    whole = split(examples, links).report
    assert whole.rows["test"] < 20 and any(each.startswith("test has ") for each in whole.short)
    apart, report = split(examples, links, set_aside_bridges=True)
    assert report.short == [] and report.rows["test"] >= 36
    assert 0 < len(report.bridges) < 40
    assert apart["split"].null_count() == len(report.bridges) and apart.height == examples.height
    assert report.crossing_groups == 0 and report.crossing_clusters == 0
    codes = parts(apart).to_numpy()
    assert leaks(examples, links, codes)["either"] == 0
    set_aside = {row for row, _ in report.bridges}
    assert set_aside == set(apart.filter(pl.col("split").is_null())["example_id"])


def test_no_link_and_no_name_leads_from_part_to_part():
    for seed in range(5):
        examples, links = chained(seed, twins=80)
        apart = split(examples, links, set_aside_bridges=True, seed=seed).examples
        part = dict(zip(apart["example_id"], parts(apart), strict=True))
        hung: dict[str, set[int]] = {}
        for one, other in links.iter_rows():
            if other in part:
                assert len({part[one], part[other]} - {NOWHERE}) < 2
            else:
                hung.setdefault(other, set()).add(part[one])
        assert all(len(each - {NOWHERE}) < 2 for each in hung.values())
        assert (
            apart.filter(pl.col("split").is_not_null())
            .group_by("group")
            .agg(pl.col("split").n_unique())["split"]
            .max()
            == 1
        )


def test_what_is_set_aside_does_not_depend_on_the_order_of_rows_and_links():
    examples, links = chained()
    first = split(examples, links, set_aside_bridges=True)
    again = split(
        examples.sample(fraction=1, shuffle=True, seed=3),
        links.sample(fraction=1, shuffle=True, seed=4),
        set_aside_bridges=True,
    )
    assert again.examples.sort("example_id").equals(first.examples.sort("example_id"))
    assert sorted(again.report.bridges) == sorted(first.report.bridges)


def test_sets_that_fit_are_not_touched():
    examples, links = chained(twins=2)
    links = links.head(2)
    plain, apart = split(examples, links), split(examples, links, set_aside_bridges=True)
    assert apart.report.bridges == [] and apart.examples.equals(plain.examples)
    order = places(examples["example_id"], hashed(examples["example_id"]), 0, "split")
    bonds = ties(examples, links)
    whole = bonds.wholes(group=True)
    assert (blocks(bonds, whole, order, 40, group=True) == whole).all()
    assert bridges(bonds, parts(plain.examples).to_numpy(), order) == []


@pytest.mark.parametrize("ways", [{"random": True}, {"keep_existing": True}])
def test_setting_aside_goes_with_a_new_division_only(ways):
    examples, links = chained()
    with pytest.raises(ConfigError, match="bridges are set aside"):
        split(examples.with_columns(split=pl.lit("train")), links, set_aside_bridges=True, **ways)


def test_a_label_that_a_part_lacks_is_named_first():
    examples = pl.DataFrame(
        {
            "example_id": [f"r{n}" for n in range(100)],
            "group": ["one" if n < 20 else f"g{n}" for n in range(100)],
            "label": ["rare" if n < 20 else "usual" for n in range(100)],
        }
    )
    assert any("test has no row of 1 label (rare)" in each for each in split(examples).report.short)
    assert split(examples.with_columns(group=None)).report.short == []


# by the commands

WORDS = [a + b for a in ("bar", "kel", "mor", "tis", "wun") for b in ("dan", "grop", "list", "mek", "sorn")]


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """80 customers of four rows; of 70 the first one's question stands in a row of another one too."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))

    def said(n: int) -> str:
        return " ".join(random.Random(n).sample(WORDS, 10))

    rows = [{"prompt": said(n), "completion": said(n + 9000), "who": f"c{n // 4}"} for n in range(320)]
    draw = random.Random(5)
    for n in range(7, 280, 4):
        rows[n]["prompt"] = f"{rows[draw.randrange(0, n - 4, 4)]['prompt']} please {n}"
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.import_([str(path)], group="who")
    cli.scan(check=["structure", "pii", "leak"], encoder="none")
    return Workspace.open()


def test_a_split_of_a_split_is_the_split_of_its_rows(imported):
    clean = imported.dataset("rows")
    first = cli.split(clean, encoder="none")
    cut = cli.split("rows", group=False, encoder="none")  # now leaks between groups stand on the name
    assert cut.data["dataset"] != first.data["dataset"]
    again = cli.split("rows", encoder="none", allow_blocking=True)
    assert again.data["dataset"] == first.data["dataset"]
    assert again.data["report"]["random_would_leak"] == first.data["report"]["random_would_leak"]
    assert cli.split("rows", encoder="none").data["dataset"] == first.data["dataset"]


def test_a_part_of_too_few_rows_is_said_first_and_has_a_way_out_that_is_proved(imported):
    short = cli.split(encoder="none")
    assert short.exit_code == 1 and short.lines[1].startswith("  NOT as asked: ")
    words = "\n".join(short.lines)
    assert "links between groups (" in words and "as rows.jsonl:" in words
    assert "--set-aside-bridges leaves" in words
    apart = cli.split(encoder="none", set_aside_bridges=True)
    assert apart.exit_code == 0 and apart.data["leaks"] == 0
    named = apart.data["report"]["bridges"]
    rows = imported.examples(apart.data["dataset"])
    assert rows.height == 320 and rows["split"].null_count() == len(named) > 0
    assert {each["example_id"] for each in named} == set(rows.filter(pl.col("split").is_null())["example_id"])
    assert f"{len(named):,} rows set aside, in no part and still in the version" in "\n".join(apart.lines)


def test_no_threshold_is_proposed_that_ties_no_less():
    from curate.dividing.links import Near

    ids = [f"r{n}" for n in range(6)]
    none = pl.DataFrame(schema=LINKS)
    chain = pl.DataFrame(list(pairwise(ids)), schema=LINKS, orient="row")
    examples = pl.DataFrame({"example_id": ids})
    within = told_of_largest(examples, near_causes(Near(none, none, chain), 1.0))
    assert "stand within other rows" in within and "--link-threshold" not in within
    alike = told_of_largest(examples, near_causes(Near(none, chain, none), 1.0))
    assert "near duplicates" in alike and "--link-threshold" not in alike
    assert "--link-threshold 0.8" in told_of_largest(examples, near_causes(Near(none, chain, none), 0.6))
