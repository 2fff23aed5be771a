"""Program code names nobody; its strings and comments may."""

from __future__ import annotations

import time

import pytest

from curate.names.code import bare, is_identifier, within
from curate.names.tagger import lexicon

CODE = '''Hi, this is Vera. My code:
from pandas.offsets import (
    Day,
    Micro,
)
def hello(Hanna, x):
    """Written by Ana Lima."""
    name = "Anna Schmidt"  # ask Zoltan
    if os.name == Posix:
        return Mark
    except OSError:
int main(int argc) { return Foo; }
Thanks, Jonas
'''


def in_code(text: str, word: str) -> bool:
    at = text.index(word)
    return within(bare(text), at, at + len(word))


@pytest.mark.parametrize("word", ["Day", "Micro", "Hanna", "Posix", "Mark", "OSError", "Foo"])
def test_what_is_said_by_a_program_is_code(word):
    assert in_code(CODE, word)


@pytest.mark.parametrize("word", ["Vera", "Ana Lima", "Anna Schmidt", "Zoltan", "Jonas"])
def test_strings_comments_and_sentences_are_not(word):
    assert not in_code(CODE, word)


@pytest.mark.parametrize(
    "text",
    [
        "Name: Anna Schmidt\nPhone: 12",
        "USER=anna\nauthor = Jane Roe",
        "author: Jane Roe\nname: Anna",
        '{"name": "Anna Schmidt", "age": 3}',
        "import duties are high for Anna.",
        "for Anna: call me (today)",
        "I met Anna (my sister); she left;",
        "Anna Schmidt (CEO), 0171 2345678",
        "name,phone\nAnna Schmidt,0171 2345678",
        "while I was away, Anna called:",
        "return the parcel to Anna, please",
        "```yaml\nname: Anna\n```",
    ],
)
def test_tables_forms_and_prose_are_not_taken_for_code(text):
    for word in ("Anna", "Jane", "anna"):
        if word in text:
            assert not in_code(text, word)


def test_a_fence_that_names_a_language_is_code():
    text = "So:\n```python\nAnna\n```\nand `Vera` of Anna."
    assert in_code(text, "Anna") and in_code(text, "Vera") and not within(bare(text), 41, 45)


@pytest.mark.parametrize(
    "name",
    ["HookImpl", "StrBytes", "OSError", "IRBuilder", "LoRA", "BM25S", "HAVE_SEND", "iPhone", "Base64Str'"],
)
def test_identifiers_are_nobody(name):
    assert is_identifier(name, lexicon())


@pytest.mark.parametrize(
    "name",
    ["McKay", "DeShawn", "MacDonald", "JoAnn", "O'Neill", "El-Sayed", "Jean-Luc", "HIdalgo Mas", "KIM"],
)
def test_names_with_capitals_within_are_names(name):
    assert not is_identifier(name, lexicon())


@pytest.mark.parametrize(
    "text",
    ["(" * 40_000, "x = " + "[" * 40_000, '"' * 30_000, "f(" * 20_000, "import " + "a," * 900 + "!"],
    ids=["round", "square", "quotes", "calls", "imports"],
)
def test_time_grows_with_the_length(text):
    began = time.process_time()
    bare(text)
    bare((text[:1900] + "\n") * 20)
    assert time.process_time() - began < 1
