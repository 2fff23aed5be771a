"""Which language a text seems to be in: by its letters and, where those do not tell, its commonest words.

Rough on purpose: it tells parts of a data set apart, to stratify by and to compare; it is no language
identifier. Languages of one script that are not listed here read as `other <script>`.
"""

from __future__ import annotations

import polars as pl

SCRIPTS = {  # letters that only one language, or one group of them, is written with; the first match wins
    "ja": r"[\p{Hiragana}\p{Katakana}]",
    "ko": r"\p{Hangul}",
    "zh": r"\p{Han}",
    "th": r"\p{Thai}",
    "ar": r"\p{Arabic}",
    "he": r"\p{Hebrew}",
    "hi": r"\p{Devanagari}",
    "el": r"\p{Greek}",
    "cyrillic": r"\p{Cyrillic}",
}
LATIN = r"\p{Latin}"
SHARE = 0.2  # of the letters: a script with so many names the language (a few borrowed words do not)
WORDS = {  # words that are common in one of these languages and rare in the others
    "en": "the and is of you that it for with what are this have can my your how not from i do",
    "es": "el los las que y por para una con del se como está es mi tu muy qué pero",
    "fr": "le les des et est une que pour dans qui vous je pas au du sur avec mon ce",
    "de": "der die das und ist nicht ich ein eine mit für auf wie zu den von sie es mein",
    "it": "il che di un una per non sono con della gli è come mi più questo nel ho",
    "pt": "o os que de um uma para não com do da em é como meu você mais por eu",
    "nl": "de het een van en is dat ik niet voor met zijn op te mijn hoe je wat",
    "pl": "w i na z się nie do jest że to jak co mi czy od po",
    "tr": "bir ve bu için ile ne mi da de çok nasıl ben var olarak",
    "sv": "och att det är jag en som på för inte med har den hur till",
}
HEAD = 2_000  # characters of a text that are looked at


def languages(texts: pl.Series) -> pl.Series:
    """The language of each text: a code of two letters, `other latin`, `cyrillic`, or `none` without letters."""
    frame = texts.rename("text").str.slice(0, HEAD).to_frame()
    letters = pl.col("text").str.count_matches(r"\p{L}")
    scripts = {name: pl.col("text").str.count_matches(pattern) for name, pattern in SCRIPTS.items()}
    # kanji are Han letters too: where kana stand beside them, all of it is Japanese
    scripts["ja"] = pl.when(scripts["ja"] > 0).then(scripts["ja"] + scripts["zh"]).otherwise(0)
    padded = pl.concat_str(
        pl.lit(" "), pl.col("text").str.to_lowercase().str.replace_all(r"[^\p{L}]+", "  "), pl.lit(" ")
    )
    votes = {
        name: pl.col("words").str.count_matches(r" (?:" + "|".join(words.split()) + ") ")
        for name, words in WORDS.items()
    }
    table = frame.select(letters=letters, latin=pl.col("text").str.count_matches(LATIN), words=padded, **scripts)
    told = pl.when(pl.col("letters") == 0).then(pl.lit("none"))
    for name in SCRIPTS:
        told = told.when(pl.col(name) >= SHARE * pl.col("letters")).then(pl.lit(name))
    most = pl.max_horizontal(*votes)
    for name in WORDS:
        told = told.when((pl.col(name) == most) & (most > 0)).then(pl.lit(name))
    last = pl.when(pl.col("latin") > 0).then(pl.lit("other latin")).otherwise(pl.lit("other"))
    return table.with_columns(**votes).select(told.otherwise(last)).to_series().rename("language")
