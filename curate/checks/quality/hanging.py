"""Words that end no sentence: articles, prepositions, conjunctions and determiners, by language."""

from __future__ import annotations

import re

from curate.checks.quality.language import language_of

LEAST = 4  # words of a line, below which it may be a title, a name or a phrase
# Left out is what may stand last: of verbs that are taken apart (`an`, `mit`, `op`), pronouns (`das`, `un`), and
# of English all that ends a question or a clause without its noun (`the town he lived in`)
_HANGING = {
    "en": "the a an and or but my your their our its because than whose every",
    "de": "der die dem den des eine einen einem einer eines im zum zur vom beim ins am und oder sowie für von dass"
    " weil bis ohne meine deine unsere eure ihren ihrem ihrer seinen seinem meinen meinem sondern als",
    "fr": "le la les une des du de et ou avec pour dans par aux au en que qui dont sans sur chez ces ses leurs votre"
    " notre mon ton cette à",
    "es": "el la los las un una unos unas del al y o con por para en que de su sus sin desde hasta",
    "it": "il lo la gli i un una di del dello della dei delle degli e ed con per da dal dalla nel nello nella nei al"
    " alla ai sul sulla che tra fra",
    "pt": "o os as uma e com para por em no na nos nas de do da dos das ao à que pela pelo",
    "nl": "de het een van en of naar te met tot om",
    "sv": "och att eller ett samt som från",
    "da": "og at eller et samt som",
    "no": "og å at eller et samt som",
    "fi": "ja tai että sekä",
    "pl": "i oraz lub albo w z na do od dla że który która które aby przez przed pod nad ale",
    "cs": "a v z na do pro že který která které nebo od s o k",
    "ro": "și sau cu de la pe din pentru",
    "hu": "a és vagy hogy",
    "tr": "ve veya",
    "id": "dan atau yang di dari untuk dengan pada ke",
    "vi": "và hoặc của các những",
    "ca": "el la els les una i o amb per de del al que en",
    "hr": "i ili u na s za od do koji koja koje",
    "ru": "и или в на с для от по из о при но к у который которая которые",
    "uk": "і й або в у на з для від до який яка які але",
    "bg": "и или в на с за от до който която които",
    "el": "και ή το η ο των του της με για στο στη στην",
}
HANGING = {language: frozenset(words.split()) for language, words in _HANGING.items()}
# of an unknown language: what is a word of one only, or hangs in all that have it
_SURE = frozenset(
    """the and my your their our und oder dem einem eines zum zur vom beim ins sowie avec dans aux los las della delle
    degli gli nella het och oraz który которая который и в dengan untuk""".split()  # noqa: SIM905
)
# nouns behind which a word is named, not used: `the right one is option a`; and questions that ask for such
_NAMING = (
    r"(?:letters?|options?|choices?|variables?|vitamins?|articles?|prepositions?|conjunctions?|words?|pronouns?|buchstaben?|wort|wörter"
    r"|präposition(?:en)?|artikel|bindewort|letras?|palabras?|opci[óo]n(?:es)?|art[íi]culos?|lettres?|mots?|lettera|lettere|parol[ae]|opç(?:ão|ões)|opzion[ei]|woord|letter)"
)
_NAMED = re.compile(rf"(?i)\b{_NAMING}\b[^.?!\n]{{0,40}}\Z")
_ASKED_FOR = re.compile(
    rf"(?i)\b(?:which|what|welche[rsn]?|quel(?:le)?s?|qu[ée]|qual|quale|cu[áa]l|welke?)(?: (?!in\b|of\b)\w+){{0,3}} {_NAMING}\b"
)
# letters of options and of mathematics in the question: `(a) Paris`, `2a = 10`
_LETTERED = r"(?:(?<![^\W_]){0}[).:]|\d{0}(?![^\W_])|(?<![^\W_]){0} ?[=+*/^-]|[=+*/^-] ?{0}(?![^\W_]))"
_LAST = re.compile(r"(?:\A|[^\w'’-])([^\W\d_]+)\Z")


def hanging(body: str, question: str) -> int | None:
    """Where the last word of an answer stands, if it needs another behind it; None if not.

    A word with a capital may be a name or a title's, and a line of few words no sentence at all.
    """
    line = body[body.rfind("\n") + 1 :]
    found = _LAST.search(line)
    words = line.split()
    if not found or not found[1].islower() or len(words) < LEAST:
        return None
    if all(word.endswith(",") for word in words[-3:-1]):
        return None  # a list of words
    if _is_named(found[1], line[: found.start(1)], question):
        return None
    language = language_of(body) or language_of(f"{body}\n{question}")
    return len(body) - len(found[1]) if found[1] in HANGING.get(language or "", _SURE) else None


def _is_named(word: str, before: str, question: str) -> bool:
    """Whether the last word is what was asked for: a letter, an option, a word as such."""
    if _NAMED.search(before) or _ASKED_FOR.search(question):
        return True
    return len(word) == 1 and re.search(_LETTERED.format(word), question) is not None
