"""Rubrics as files."""

import pytest

from curate.errors import ConfigError
from evalharness.judging.replying import read_scores
from evalharness.judging.rubric import SHIPPED, Rubric

OLD = """
name = "helpful"
criterion = "Does the answer deal with what was asked?"
reference = true
low = 1
high = 5
[[anchors]]
score = 1
meaning = "No."
[[anchors]]
score = 4
meaning = "Nearly."
[[examples]]
question = "q"
answer = "a"
score = 4
reason = "nearly"
"""
LEVELS = 'asks = "so?"\nlevels = [{score = 0, meaning = "no"}, {score = 2, meaning = "yes"}]'


def rubric(tmp_path, text, name="r.toml"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return Rubric.find(str(tmp_path / name))


def of(*criteria):
    return 'name = "r"\n' + "".join(f"[[criteria]]\n{each}\n" for each in criteria)


def test_shipped_rubrics_are_whole_and_their_digest_tells_them_apart():
    found = [Rubric.read(path) for path in SHIPPED.glob("*.toml")]
    assert {each.name for each in found} == {"helpful", "tone", "grounded", "reply-form"}
    assert len({each.digest for each in found}) == len(found)
    for each in found:
        assert each.name == Rubric.find(each.name).name and each.judged
        for criterion in each.judged:
            assert len(criterion.levels) >= 3 and all(len(meaning) > 8 for _, meaning in criterion.levels)
        for example in each.examples:
            told = dict(example)
            assert {"reason", "answer", "question"} <= set(told)
            for criterion in each.judged:
                assert criterion.fault(float(told[criterion.name])) is None


def test_a_rubric_of_the_older_form_is_read_as_it_was_meant(tmp_path):
    """One criterion, any number from low to high, in the reply's `score`."""
    found = rubric(tmp_path, OLD)
    assert (found.low, found.high, len(found.criteria)) == (1, 5, 1)
    assert read_scores(found, '{"reason": "x", "score": 3.5}').values == {"score": 3.5}
    assert "not within 1 to 5" in read_scores(found, '{"score": 0.99}').failure
    assert found.score({"score": 3.5}) == 3.5 and ("question", "q") in found.examples[0]


def test_weights_rules_and_levels_make_one_score(tmp_path):
    text = of(f'name = "a"\nweight = 3\n{LEVELS}', 'name = "b"\nlacks = ["sorry"]')
    found = rubric(tmp_path, text)
    assert [each.name for each in found.judged] == ["a"] and (found.low, found.high) == (0, 1)
    assert found.score({"a": 1, "b": 1}) == pytest.approx((3 * 0.5 + 1) / 4)


@pytest.mark.parametrize(
    ("rule", "passing", "failing"),
    [
        ('regex = "[a-z]+: .+"', ["oak: yes", " oak: a\nb "], ["oak", "Oak: x"]),
        ('contains = ["Oak", "pine"]', ["PINE and oak"], ["oak", ""]),
        ('contains = "oak"', ["oaks"], ["pine"]),
        ('lacks = ["as an AI"]', ["fine"], ["As an ai model"]),
        ('schema = {type = "object", required = ["queue"]}', ['{"queue": 1}'], ['{"q": 1}', "queue", "NaN"]),
        ('schema = "reply.json"', ["[1]"], ["{}"]),
    ],
)
def test_a_check_passes_what_it_says(tmp_path, rule, passing, failing):
    (tmp_path / "reply.json").write_text('{"type": "array"}')
    criterion = rubric(tmp_path, of(f'name = "form"\n{rule}')).criteria[0]
    assert criterion.rule.passed([*passing, *failing]) == [True] * len(passing) + [False] * len(failing)
    assert criterion.rule.passed([]) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 1", "must be a text"),
        ('name = "a"\ncriterion = "b"\nlow = 5\nhigh = 1', "low is 5"),
        ('name = "a"\ncriterion = "b"\nlow = 1\nhigh = 5', "at least two anchors"),
        ('name = "a"\ncriterea = "b"', "unknown key `criterea`"),
        ('name = "a"\ncriterion = "b"\nlow = true\nhigh = 5', "`low` must be a number"),
        ("name = ", "TOML|Invalid"),
        ('name = "a"\ncriteria = []', "at least one"),
        ('name = "a"\ncriteria = "b"', "must be tables"),
        ('name = "a"\nreference = "no"\n[[criteria]]\nname = "b"\nlacks = "c"', "true or false"),
        (of('name = "Not a Key"\nlacks = "x"'), "not a name that can stand in a reply"),
        (of('name = "reason"\nlacks = "x"'), "not a name that can stand in a reply"),
        (of('name = "a"\nlacks = "x"', 'name = "a"\nlacks = "y"'), "two criteria have one name"),
        (of('name = "a"\nregex = "("'), "regex"),
        (of('name = "a"\nregex = 3'), "regex"),
        (of('name = "a"\nlacks = []'), "a word or a list of words"),
        (of('name = "a"\nschema = {typ = "object"}'), "`typ`, which is not known"),
        (of('name = "a"\nschema = "not-there.json"'), "schema"),
        (of('name = "a"'), "needs `levels` for a model, or one check"),
        (of(f'name = "a"\nlacks = "x"\n{LEVELS}'), "needs `levels` for a model, or one check"),
        (of(f'name = "a"\nweight = 0\n{LEVELS}'), "must be above 0"),
        (of('name = "a"\nasks = "b"\nlevels = [{score = 1, meaning = "x"}]'), "at least two levels"),
        (
            of('name = "a"\nasks = "b"\nlevels = [{score = 1, meaning = "x"}, {score = 1, meaning = "y"}]'),
            "two levels",
        ),
        (
            of('name = "a"\nlevels = [{score = 1, meaning = "x"}, {score = 2, meaning = "y"}]'),
            "`asks` must be",
        ),
    ],
)
def test_a_rubric_that_is_wrong_is_said(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        rubric(tmp_path, text)


def test_a_rubric_that_is_not_there_names_those_that_are():
    with pytest.raises(ConfigError) as caught:
        Rubric.find("nothing")
    assert "grounded, helpful, reply-form, tone" in caught.value.hint


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), 1e308, float("inf"), float("nan"), True, "3", None, []]
)
def test_whatever_a_judge_says_is_a_level_or_a_fault(value):
    """A whole number of JSON may have hundreds of digits, which no float takes."""
    criterion = Rubric.find("helpful").judged[0]
    assert "is not a number" in criterion.fault(value) or "far too large" in criterion.fault(value)
