"""Other taggers by name: spaCy's, transformers' and GLiNER's, where they are installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError, MissingExtraError
from curate.names.span import Span

if TYPE_CHECKING:
    from spacy.language import Language

UNSCORED = 0.85  # spaCy gives no probability; Presidio takes this for its findings
PIECE = 1_200  # characters given to a model of limited length at once
OVERLAP = 200  # of one piece with the next

# What other models call the kinds that the shipped tagger tells apart
_KINDS = {
    "PERSON": "PERSON", "PER": "PERSON", "NAME": "PERSON", "PATIENT": "PERSON", "STAFF": "PERSON", "HCW": "PERSON",
    "FIRSTNAME": "PERSON", "LASTNAME": "PERSON", "GIVENNAME": "PERSON", "SURNAME": "PERSON",
    "GPE": "LOCATION", "LOC": "LOCATION", "LOCATION": "LOCATION", "FAC": "LOCATION", "CITY": "LOCATION", "STATE": "LOCATION",
    "COUNTRY": "LOCATION", "STREET": "LOCATION", "ADDRESS": "LOCATION", "STREETADDRESS": "LOCATION",
    "ORG": "ORGANIZATION", "ORGANIZATION": "ORGANIZATION", "ORGANISATION": "ORGANIZATION", "COMPANY": "ORGANIZATION",
    "HOSPITAL": "ORGANIZATION", "HOSP": "ORGANIZATION", "VENDOR": "ORGANIZATION", "PATORG": "ORGANIZATION",
    "NORP": "NRP", "NRP": "NRP", "NATIONALITY": "NRP", "TITLE": "TITLE", "PREFIX": "TITLE", "AGE": "AGE",
    "DATE": "DATE_TIME", "TIME": "DATE_TIME", "DATETIME": "DATE_TIME", "DATEOFBIRTH": "DATE_TIME",
    "ZIP": "ZIP_CODE", "ZIPCODE": "ZIP_CODE", "POSTALCODE": "ZIP_CODE",
    "PHONE": "PHONE_NUMBER", "PHONENUMBER": "PHONE_NUMBER", "TELEPHONENUM": "PHONE_NUMBER",
}  # fmt: skip
_ASKED = (
    "person",
    "location",
    "address",
    "organization",
    "nationality",
    "title",
    "age",
    "date",
    "zip code",
    "phone number",
)


def kind_of(label: str) -> str | None:
    """Our name for another model's label, in whatever case and with or without `B-`; None if we have none."""
    bare = label.upper().removeprefix("B-").removeprefix("I-")
    return _KINDS.get("".join(char for char in bare if char.isalpha()))


@dataclass(frozen=True)
class SpacyTagger:
    """The names that a spaCy pipeline finds; no score of its own, so all have UNSCORED."""

    pipeline: Language

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order."""
        found = []
        for document in self.pipeline.pipe(texts):
            kinds = ((entity, kind_of(entity.label_)) for entity in document.ents)
            found.append([Span(e.start_char, e.end_char, kind, UNSCORED) for e, kind in kinds if kind])
        return found


@dataclass(frozen=True)
class HfTagger:
    """The names that a transformers model for token classification finds, by pieces of long texts."""

    pipeline: Any  # transformers' TokenClassificationPipeline, which has no types

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order, none over another."""
        return [joined(self._found(text)) for text in texts]

    def _found(self, text: str) -> Iterator[Span]:
        for start, end in _pieces(text):
            for entity in self.pipeline(text[start:end]):
                kind = kind_of(entity["entity_group"])
                if kind and entity["start"] is not None:
                    score = round(float(entity["score"]), 3)
                    yield Span(start + int(entity["start"]), start + int(entity["end"]), kind, score)


@dataclass(frozen=True)
class GlinerTagger:
    """The names that a GLiNER model finds when it is asked for our kinds."""

    model: Any  # gliner.GLiNER, which has no types
    threshold: float = 0.5

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order, none over another."""
        return [joined(self._found(text)) for text in texts]

    def _found(self, text: str) -> Iterator[Span]:
        for start, end in _pieces(text):
            for entity in self.model.predict_entities(
                text[start:end], list(_ASKED), threshold=self.threshold
            ):
                kind = kind_of(entity["label"])
                if kind:
                    score = round(float(entity["score"]), 3)
                    yield Span(start + int(entity["start"]), start + int(entity["end"]), kind, score)


def load_spacy(name: str) -> SpacyTagger:
    """A spaCy pipeline by package name or path. Raises ConfigError where there is none of that name."""
    try:
        import spacy
    except ImportError as error:
        raise MissingExtraError("spacy", "names") from error
    try:
        pipeline = spacy.load(name)
    except OSError as error:
        raise ConfigError(
            f"there is no spaCy pipeline `{name}`", hint=f"python -m spacy download {name}, or give a path"
        ) from error
    if not set(pipeline.pipe_names) & {"ner", "entity_ruler", "span_ruler"}:
        raise ConfigError(f"the spaCy pipeline `{name}` finds no names", hint="take one with a part `ner`")
    return SpacyTagger(pipeline)


def load_hf(name: str) -> HfTagger:
    """A transformers model by hub id or path. Raises ConfigError where it cannot be loaded."""
    try:
        from transformers import pipeline
    except ImportError as error:
        raise MissingExtraError("transformers", "train") from error
    try:
        made = pipeline("token-classification", model=name, tokenizer=name, aggregation_strategy="simple")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the model `{name}` cannot be loaded",
            hint="give a hub id or a folder with config, weights and tokenizer",
        ) from error
    return HfTagger(made)


def load_gliner(name: str) -> GlinerTagger:
    """A GLiNER model by hub id or path. Raises MissingExtraError without the package `gliner`."""
    try:
        from gliner import GLiNER
    except ImportError as error:
        raise MissingExtraError("gliner", "gliner") from error
    try:
        return GlinerTagger(GLiNER.from_pretrained(name))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the model `{name}` cannot be loaded", hint="give a hub id or a folder") from error


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of pieces that a model can read whole, cut at white space, each over the last one's end."""
    start = 0
    while len(text) - start > PIECE:
        space = text.rfind(" ", start + PIECE - OVERLAP, start + PIECE)
        end = space if space > 0 else start + PIECE
        yield start, end
        back = text.find(" ", end - OVERLAP, end)
        start = back + 1 if back > start else end - OVERLAP
    yield start, len(text)


def joined(spans: Iterator[Span]) -> list[Span]:
    """Spans in order; of those that overlap the longest stays, then the surest."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end, -s.score, s.label)):
        if kept and span.start < kept[-1].end:
            if (span.end - span.start, span.score) > (kept[-1].end - kept[-1].start, kept[-1].score):
                kept[-1] = span
        else:
            kept.append(span)
    return kept
