"""Each kind of poor text is found under its name; what is meant to be so is left alone."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.checks.quality import Quality, combined, proposed
from curate.errors import ConfigError, NotFoundError
from curate.scanning.scan import scan

LOREM = "The river rises in the hills and flows to the sea. It passes three towns on its way. "


def labels(found, row, check=None):
    return [entry[2] for entry in found(check or Quality(), row)]


@pytest.mark.parametrize(
    ("question", "answer", "label"),
    [
        ("List three fruits.\n\n<noinput>", "Fig, pear, plum.", "placeholder-input"),
        ("Name a river.\n\nNo input required.", "The Rhine.", "placeholder-input"),
        ("给出三个建议。\n\n无输入", "多喝水。", "placeholder-input"),
        ("How do I pick a lock?", "I'm sorry, but I cannot help with that.", "refusal"),
        ("今天天气怎么样？", "很抱歉，我无法提供实时的天气信息。", "refusal"),
        ("¿Cómo se abre?", "Lo siento, pero no puedo ayudar.", "refusal"),
        ("Name a colour.", "Well, as an AI language model I like blue.", "ai-disclaimer"),
        ("Hi", "Hel\x00lo", "control-character"),
        ("Hi", "\x1b[31mred\x1b[0m", "control-character"),
        ("Hi", "Hel\u200blo", "invisible-character"),
        ("Hi", "Hel\ufffdlo", "replacement-character"),
        ("Hi", "CafÃ© is open", "mojibake"),
        ("Design a logo for a bakery.", "A round logo with a loaf.", "asks-for-picture"),
        ("Can you draw a picture of a cat?", "Here is one.", "asks-for-picture"),
        ("画一张猫的图片。", "好的。", "asks-for-picture"),
        ("Describe this photo.\n\n<image>", "A calm lake.", "missing-attachment"),
        ("Count the people.\n\n[attached photo]", "Eight.", "missing-attachment"),
        ("What is wrong here? See the attached log file.", "A typo.", "missing-attachment"),
        ("Describe the following painting.", "It shows a mother.", "missing-attachment"),
        ("What is the trend?", "As the attached chart shows, it rises.", "missing-attachment"),
        ("Show a house.", "![house](http://i.example.com/a.png)", "picture-in-answer"),
        ("Summarize this article.\n\nhttps://news.example.com/a/1", "It is about rain.", "unreadable-link"),
        ("Is this safe?\n\nwww.example.com", "Yes, it is safe.", "link-in-question"),
        ("Who are you?", "I am {{name}}, made by {{author}}.", "unfilled-slot"),
        ("Translate [insert sentence here] for me, word by word.", "Sure.", "unfilled-slot"),
        ("Where is it?", "It&#39;s in Bath &amp; Wells.", "html"),
        ("Where is it?", "It is <b>there</b>.<br>Look left.", "html"),
        ("Where is it?", "[b]There[/b], on the left.", "bbcode"),
        ("Who was she?", "She was born in [[Paris|the city of Paris]].", "wiki-markup"),
        ("What is the capital of Peru?", '{"answer": "Lima"}', "json-dump"),
        ("Name a river.", "The Rhine.<|im_end|>", "template-token"),
        ("Name a river.", "Assistant: The Rhine.", "turn-mark"),
        ("Name a river.", "The Rhine.\nUser: And a lake?\nAssistant: Garda.", "turn-in-answer"),
        (
            "Name a river.",
            "The Rhine.\n\n6. Instruction: Name a lake.\n6. Input:\n6. Output:\nGarda",
            "merged-instruction",
        ),
        (
            "Name a river.",
            "The Rhine.\n### Instruction:\nName a lake.\n### Response:\nGarda",
            "merged-instruction",
        ),
        ("My pen leaks.\n\nSent from my iPhone", "Turn it.", "mail-signature"),
        ("My pen leaks.\n-- \nA. Person\nSome firm", "Turn it.", "mail-signature"),
        ("It leaks.\n\nOn Mon, 3 May 2021, X wrote:\n> Does it leak?", "Turn it.", "quoted-reply"),
        ("It leaks.\n\n-----Original Message-----\nFrom: x\nDoes it?", "Turn it.", "quoted-reply"),
        ("Sort a list in C.", "python\nCopy code\nsorted(x)", "interface-leftover"),
        ("Tell me of a river.", LOREM * 2 + "It ends in the", "truncated"),
        ("Tell me of a river.", LOREM * 2 + "It ends,", "truncated"),
        (
            "Tell me of a river.",
            f"{LOREM * 3}It is known for the many boats that sail on it each summe",
            "truncated",
        ),
        (
            "How?",
            "Thank you for asking about it. Switch it off, wait one minute, reseat the cable",
            "truncated",
        ),
        ("How?", "Standard delivery is free. Express can be had for an extra 12 EUR if you", "truncated"),
        ("How?", "It is two years.\nStart the return in your account, print the label and hand", "truncated"),
        ("Sort a list.", "Use this:\n```python\nx = sorted(", "truncated"),
        ("Sort a list.", "Use this:\n```python\n```\nDone.", "empty-code"),
        ("Tell me of a river.", "It is long. " + "It flows on and on. " * 9, "looping-end"),
        ("Tell me of a river.", ("The river is long and wide.\n" * 3 + LOREM) * 3 + "End.", "repeated-lines"),
        (
            "Tell me of a river.",
            f"{LOREM * 3}\n\nLet me know if you have any other questions!",
            "closing-phrase",
        ),
        (
            "写一首关于春天的诗，要求押韵并且不少于四行。",
            "Spring is the time of the year that all of us wait for in the cold.",
            "language-switch",
        ),
    ],
)
def test_each_kind_is_found(asked, found, question, answer, label):
    assert labels(found, asked(question, answer)) == [label]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "Hi",
            "Hello 👩‍👩‍👧 שלום Ärger naïve São 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("Was heißt das?", "Der Umlaut „Ä“ und « voilà\u00a0» stehen dort."),
        ("Make this informal: I regret that I cannot come.", "Sorry, I can't come."),
        ("Who are you?", "As an AI language model, I answer questions."),
        ("Write a character sketch of a villain.", "He is sly."),
        ("Write a slogan for a poster.", "Fresh bread daily."),
        ("She can draw a portrait in 2 hours. How long for 3?", "6 hours."),
        ("Draw a conclusion from the data.", "Sales rise."),
        ("Draw a house in ASCII.", "/\\\n||"),
        ("Describe the painting.\n\nStarry Night by Vincent van Gogh", "It shows stars."),
        ("Identify the figure of speech.\n\nThe wind whispered.", "Personification."),
        ("Write HTML that links to https://example.com", '<a href="https://example.com">x</a>'),
        ("Write a letter template.", "Dear [insert name], ..."),
        ("Return the result as JSON.", '{"answer": "Lima"}'),
        ("Show bold text in HTML.", "<b>bold</b>"),
        ("Compare.", "If a < b and b > c, then a &lt c is odd."),
        ("Write a dialogue.", "User: Hello.\nAssistant: Hello to you.\nUser: Bye."),
        ("Write a prompt with an instruction and an output.", "Try:\nInstruction: Add.\nOutput: 3"),
        (
            "Write an e-mail to a client.",
            "Dear A,\nthe pen is here.\nBest regards,\nB. C.\nSales Manager\nPhone: 555 123 4567",
        ),
        ("Write a poem.", "The moon is pale,\nthe night is long,\nthe ships all sail\nand sing a song"),
        ("Complete: I like the stars in the dark night sky,", "I like the stars in the dark night sky,"),
        ("Write a tweet.", f"{LOREM * 3}\nA day at the river that nobody will forget so soon #river #summer"),
        ("Write a song with a chorus.", "Roll on, river, roll on, roll on.\n" * 9),
        (
            "List questions.",
            "\n".join(f"What is the difference between {a} and {a * 2}?" for a in "abcdefgh"),
        ),
        (
            "Say it in French: I am very glad that you are here with us.",
            "Je suis très content que vous soyez ici avec nous.",
        ),
        (
            "用“opulent”这个词写一个句子，要求语法正确。",
            "The hall was opulent and full of the light that the sun gave.",
        ),
        ("Solve 2x + y = z for y and z over a field.", "y = z - 2x; z = 2x + y; a o e i u w z y x; do to na"),
        ("Write a book.", "1. Begin.\n2. Go on.\n3. End"),
        ("What is 3/4 of 8?", "6"),
    ],
)
def test_what_is_meant_so_is_left_alone(asked, found, question, answer):
    assert labels(found, asked(question, answer)) == []


def test_pictures_in_another_column_are_not_missing(asked, found):
    row = asked("Describe this photo.\n\n<image>", "A calm lake.")
    assert labels(found, row) == ["missing-attachment"]
    assert labels(found, {**row, "meta": '{"images": ["a.png"]}'}) == []
    assert labels(found, {**row, "meta": '{"images": []}'}) == ["missing-attachment"]


def test_the_source_may_say_that_an_answer_was_cut(asked, found):
    row = asked("Name a river.", "The Rhine.")
    assert labels(found, {**row, "meta": '{"finish_reason": "length"}'}) == ["truncated"]
    assert labels(found, {**row, "meta": '{"finish_reason": "stop"}'}) == []


def test_both_sides_of_a_preference_are_read(turn, found):
    row = {"messages": [turn("user", "Hi")], "chosen": "Hel\x00lo", "rejected": "Bye.<|im_end|>"}
    assert labels(found, row) == ["control-character", "template-token"]


def edited(examples, row):
    """The text that all findings on a row's last text propose together."""
    table = examples(row)
    findings = scan(table, [Quality()]).findings.filter(pl.col("action") == "edit")
    place = findings["message"].max()
    body = row["messages"][place]["content"]
    told = findings.filter(pl.col("message") == place)["evidence"]
    return combined(body, [json.loads(evidence) for evidence in told])


@pytest.mark.parametrize(
    ("question", "answer", "new"),
    [
        ("Hi", "CafÃ© is openâ€¦", "Café is open…"),
        ("Hi", "Hel\x07lo\u200b you", "Hello you"),
        ("Hi", "half is \\(\x0crac{1}{2}\\)", "half is \\(\\frac{1}{2}\\)"),
        ("Where?", "In Bath &amp; Wells&#39; town.", "In Bath & Wells' town."),
        ("Where?", "70 m<sup>2</sup> <b>there</b>.<br>Left.", "70 m² there.\nLeft."),
        ("Where?", "[b]There[/b], left.", "There, left."),
        ("Who?", "Born in [[Paris|the city]].", "Born in the city."),
        ("What is the capital?", '{"answer": "Lima"}', "Lima"),
        ("Name one.", "The Rhine.<|im_end|>\n<|im_start|>user\nAnd a lake?", "The Rhine."),
        ("Name one.", "The Rhine.\n##\n6. Instruction: A lake.\n6. Output:\nGarda", "The Rhine."),
        ("Name one.", "Assistant: The Rhine.", "The Rhine."),
        ("Name one.", "It is long. " + "It flows on and on. " * 9, "It is long. It flows on and on."),
    ],
)
def test_proposed_answers(asked, examples, question, answer, new):
    assert edited(examples, asked(question, answer)) == new


@pytest.mark.parametrize(
    ("question", "new"),
    [
        ("List fruits.\n\n<noinput>", "List fruits."),
        ("It leaks.\n\nSent from my iPhone", "It leaks."),
        ("It leaks.\n\nOn Mon, 3 May 2021, X wrote:\n> Does it?\n> Really?", "It leaks."),
        ("On Mon, 3 May 2021, X wrote:\n> Does it?\n\nYes, it leaks.", "\nYes, it leaks."),
    ],
)
def test_proposed_questions(asked, examples, question, new):
    assert edited(examples, asked(question, "Turn it.")) == new


def test_an_edit_is_computed_from_its_evidence_alone():
    assert proposed("abcdef", {"evidence": '{"edit": {"cut": [[1, 3], [2, 4]]}}'}) == "aef"
    assert proposed("abcdef", {"evidence": {"edit": {"repair": "controls"}}}) == "abcdef"
    assert proposed("abcdef", {"evidence": '{"reason": "none"}'}) is None
    with pytest.raises(ConfigError, match="no repair `magic`"):
        proposed("abcdef", {"evidence": {"edit": {"repair": "magic"}}})
    with pytest.raises(ConfigError, match="not known"):
        proposed("abcdef", {"evidence": {"edit": {"replace": "x"}}})


def test_an_edit_leaves_nothing_to_edit(asked, examples):
    row = asked("Hi", "CafÃ© &amp; bar\x07.<|im_end|>")
    once = edited(examples, row)
    assert once == "Café & bar."
    again = scan(examples(asked("Hi", once)), [Quality()]).findings
    assert again.is_empty()


def test_findings_hold_place_reason_and_no_text(asked, examples):
    row = asked("My pen leaks.\n-- \nJane Doe\njane@example.com", "Turn it.")
    (finding,) = scan(examples(row), [Quality()]).findings.iter_rows(named=True)
    assert (finding["message"], finding["field"], finding["action"], finding["blocking"]) == (
        0,
        "content",
        "edit",
        False,
    )
    assert (finding["start"], finding["end"]) == (13, len(row["messages"][0]["content"]))
    assert "reason" in finding["evidence"] and "Jane" not in finding["evidence"]


def test_batches_of_any_size_give_the_same(asked, examples):
    rows = [
        asked(f"List {n} fruits.\n\n<noinput>", "I'm sorry, but I cannot help." if n % 3 else "Fig.")
        for n in range(20)
    ]
    table = examples(*rows, {"messages": []}, asked(None, None))
    whole = scan(table, [Quality()]).findings
    assert whole.height == 33
    assert scan(table, [Quality()], rows=3).findings.equals(whole)


def test_labels_can_be_left_out(asked, found):
    row = asked("Hi", "I'm sorry, but I cannot help with that.")
    assert labels(found, row, Quality(leave_out=("refusal",))) == []


def test_languages_that_are_wanted(asked, found):
    row = asked("Hi", "The river rises in the hills and flows to the sea.")
    assert labels(found, row, Quality(languages=("en",))) == []
    assert labels(found, row, Quality(languages=("de", "fr"))) == ["other-language"]


def test_limits_of_length(asked, found):
    row = asked("Name a river.", "The Rhine flows.")
    assert labels(found, row, Quality(max_words=6)) == []
    assert labels(found, row, Quality(max_words=5)) == ["too-long"]
    assert labels(found, row, Quality(min_words=4)) == ["too-short"]
    assert labels(found, asked("好", "莱茵河很长"), Quality(max_words=5)) == ["too-long"]


def test_limits_in_tokens_of_a_given_tokenizer(asked, examples, found, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({"<unk>": 0}, unk_token="<unk>")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    row = asked("Name a river.", "The Rhine.")
    assert labels(found, row, Quality(max_tokens=7, tokenizer=str(tmp_path))) == []
    assert labels(found, row, Quality(max_tokens=6, tokenizer=str(tmp_path / "tokenizer.json"))) == [
        "too-long"
    ]
    findings = Quality(max_tokens=6, tokenizer=str(tmp_path)).scan(examples(row)).findings
    told = json.loads(findings["evidence"][0])
    name, _, digest = told["tokenizer"].partition("@")
    assert name == tmp_path.name and len(digest) == 12  # what counted, and no folder of this machine


def test_settings_that_make_no_sense():
    with pytest.raises(ConfigError, match="max_words is -1"):
        Quality(max_words=-1)
    with pytest.raises(ConfigError, match=r"needs quality\.tokenizer"):
        Quality(max_tokens=5)


def test_a_tokenizer_that_is_not_there(asked, examples, tmp_path, monkeypatch):
    pytest.importorskip("tokenizers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NotFoundError, match="no tokenizer"):
        Quality(max_tokens=5, tokenizer=str(tmp_path / "none")).scan(examples(asked("Hi", "Hello")))


def test_a_rejected_answer_may_be_in_another_language(turn, found):
    """That is why it is rejected; the preferred one may not."""
    question = "How many days of leave do I have in the first year, and who has to agree to them?"
    other = (
        "Du hast im ersten Jahr dreißig Tage Urlaub, und deine Leitung muss ihnen vor der Reise zustimmen."
    )
    own = "You have thirty days in the first year, and your manager has to agree to them before you go."
    for chosen, rejected, told in ((own, other, []), (other, own, ["language-switch"])):
        row = {"messages": [turn("user", question)], "chosen": chosen, "rejected": rejected}
        assert [each[2] for each in found(Quality(), row)] == told
    wanted = [each[2] for each in found(Quality(languages=("de",)), row)]
    assert wanted == ["language-switch", "other-language"]
