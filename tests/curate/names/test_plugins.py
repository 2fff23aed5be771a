"""Other taggers by name: real ones, made here, and what is said where one cannot be had."""

from __future__ import annotations

import sys

import pytest

from curate.checks.pii import Pii
from curate.errors import ConfigError, MissingExtraError
from curate.names import Span, check_name, marked, plugins, tagger


def test_none_finds_nothing():
    assert tagger("none").spans(["Anna Schmidt", ""]) == [[], []]


@pytest.mark.parametrize("name", ["", "best", "spacy", "spacy:", "hf:", "openai:x", "auto:x"])
def test_a_name_of_no_known_form_is_refused(name):
    with pytest.raises(ConfigError, match="no tagger"):
        check_name(name)
    with pytest.raises(ConfigError):
        tagger(name)


def test_a_spacy_pipeline_by_path(tmp_path):
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "GPE", "pattern": "Lund"},
            {"label": "PERSON", "pattern": "Ada"},
            {"label": "MONEY", "pattern": "5"},
        ]
    )
    pipeline.to_disk(tmp_path / "toy")
    made = tagger(f"spacy:{tmp_path / 'toy'}")
    assert made.spans(["Ada left Lund with 5", "no one"]) == [
        [Span(0, 3, "PERSON", plugins.UNSCORED), Span(9, 13, "LOCATION", plugins.UNSCORED)],
        [],
    ]


def test_a_spacy_pipeline_that_finds_no_names_is_refused(tmp_path):
    spacy = pytest.importorskip("spacy")
    spacy.blank("en").to_disk(tmp_path / "empty")
    with pytest.raises(ConfigError, match="finds no names"):
        tagger(f"spacy:{tmp_path / 'empty'}")
    with pytest.raises(ConfigError, match="no spaCy pipeline"):
        tagger("spacy:no_such_pipeline")


def _toy_transformer(folder):
    """A model of a few hundred weights that calls each word `ada` a PER, by its embedding alone."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["[PAD]", "[UNK]", "ada", "left", "lund", "and"]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(dict(zip(words, range(6), strict=True)), "[UNK]")
    )
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=0, num_attention_heads=1, intermediate_size=8,
        id2label={0: "O", 1: "B-PER", 2: "B-LOC"}, label2id={"O": 0, "B-PER": 1, "B-LOC": 2},
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():
        for weights in model.bert.embeddings.parameters():
            weights.zero_()
        model.bert.embeddings.LayerNorm.weight.fill_(1)
        words_in = model.bert.embeddings.word_embeddings.weight
        words_in[:, 0] = 1.0
        words_in[2] = torch.eye(16)[1]
        words_in[4] = torch.eye(16)[2]
        model.classifier.weight.copy_(torch.eye(16)[:3] * 4)
        model.classifier.bias.zero_()
    model.eval().save_pretrained(folder)


def test_a_transformers_model_by_path(tmp_path):
    _toy_transformer(tmp_path)
    text = "Ada left Lund and " * 200
    spans = tagger(f"hf:{tmp_path}").spans([text, "left and left", ""])
    assert spans[1:] == [[], []]
    assert [(text[s.start : s.end], s.label) for s in spans[0]] == [
        ("Ada", "PERSON"),
        ("Lund", "LOCATION"),
    ] * 200
    assert all(0.5 < s.score <= 1 for s in spans[0])


def test_a_transformers_model_that_is_not_there_is_refused(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        tagger(f"hf:{tmp_path / 'none'}")


def test_gliner_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(MissingExtraError) as raised:
        plugins.load_gliner("some/model")
    assert "gliner" in raised.value.message


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("PER", "PERSON"),
        ("B-LOC", "LOCATION"),
        ("zip code", "ZIP_CODE"),
        ("MISC", None),
        ("Date_Time", "DATE_TIME"),
    ],
)
def test_labels_of_other_models_are_understood(label, kind):
    assert plugins.kind_of(label) == kind


def _pipeline(folder, name):
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": name}])
    pipeline.to_disk(folder)


def test_a_changed_model_has_another_mark_and_is_not_taken_for_the_recorded_one(tmp_path):
    folder = tmp_path / "toy"
    _pipeline(folder, "Ada")
    first = marked(f"spacy:{folder}")
    assert first == marked(first) == marked(f"spacy:{folder}") and first.startswith(f"spacy:{folder}@")
    assert tagger(first).spans(["Ada left"]) == [[Span(0, 3, "PERSON", plugins.UNSCORED)]]
    _pipeline(folder, "Grace")
    second = marked(f"spacy:{folder}")
    assert second != first
    tagger.cache_clear()
    with pytest.raises(ConfigError, match="not the one recorded"):
        tagger(first)


def test_a_model_is_the_same_wherever_its_folder_lies(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "part").mkdir(parents=True)
        (tmp_path / name / "part" / "weights.bin").write_bytes(b"\x00\x01")
        (tmp_path / name / "__pycache__").mkdir()
        (tmp_path / name / "__pycache__" / "x.pyc").write_bytes(name.encode())
    marks = {marked(f"hf:{tmp_path / name}").rpartition("@")[2] for name in ("a", "b")}
    assert len(marks) == 1
    (tmp_path / "b" / "part" / "weights.bin").write_bytes(b"\x00\x02")
    assert marked(f"hf:{tmp_path / 'b'}").rpartition("@")[2] not in marks


def test_the_shipped_tagger_needs_no_mark_and_a_missing_model_is_refused(tmp_path):
    assert (marked("auto"), marked("none")) == ("auto", "none")
    assert Pii().pinned() == Pii()
    with pytest.raises(ConfigError, match="no spaCy pipeline"):
        Pii(names="spacy:no_such_pipeline").pinned()
