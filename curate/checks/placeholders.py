"""Words and signs that stand, as the whole of a text, where the text is missing."""

from __future__ import annotations

import re
from itertools import product
from unicodedata import normalize

# As a whole answer or question these say nothing; the second set may be the right answer
PLACEHOLDERS = frozenset(
    """nan #n/a #ref! #value! todo tbd fixme lorem-ipsum <noinput> <no-input> <input> [input] <nooutput> <no-output>
    <output> [output] noinput no-input nooutput no-output <empty> (empty) no-output-required no-output-needed
    no-input-required no-input-needed [no-output] [no-input] (no-output) (no-input) `<noinput>` `<nooutput>`""".split()  # noqa: SIM905 - a list of words reads best as words
)
DOUBTFUL = frozenset(
    """n/a na none nil null undefined unknown empty xxx - -- ... … . ? !""".split()  # noqa: SIM905
)
# As an answer these put off what they should say, or point to where it stands; as a question they may be meant
_TO_BE = product(
    ("to be ", "still to be ", "yet to be "),
    """confirmed determined announced defined decided done completed added provided discussed clarified updated
    specified written""".split(),  # noqa: SIM905
)
_SEE = product(
    ("see ", "please see ", "as ", "same as ", "refer to ", "cf "),
    (
        "above",
        "below",
        "previous",
        "previous answer",
        "the previous answer",
        "answer above",
        "the above",
        "last answer",
    ),
)


def _bare(text: str) -> str:
    """The words of a text without marks, folded."""
    return " ".join(re.findall(r"\w+", normalize("NFKC", text).casefold()))


_PUT_OFF = frozenset(
    _bare(line)
    for line in """tbc|tba|tbd|t b c|t b a|t b d|ditto|idem|dito|coming soon|as before|as discussed
    siehe oben|siehe unten|s o|s u|vgl oben|wie oben|wie vorher|siehe vorherige antwort|siehe antwort oben|siehe anhang
    folgt|folgt noch|folgt später|wird nachgereicht|wird noch ergänzt|wird ergänzt|wird noch geklärt|noch offen|noch zu klären
    noch zu bestimmen|noch festzulegen|zu klären|keine angabe|keine angaben|k a|desgleichen
    voir ci dessus|voir plus haut|voir ci dessous|voir plus bas|voir réponse précédente|voir la réponse précédente|cf ci dessus
    cf supra|cf plus haut|comme ci dessus|à confirmer|à définir|à déterminer|à compléter|à venir|à préciser|a confirmer
    non renseigné|véase arriba|vease arriba|véase más arriba|ver arriba|ver más arriba|ver abajo|ídem
    igual que arriba|ver respuesta anterior|por confirmar|por definir|por determinar|a confirmar|a determinar
    pendiente de confirmar|sin respuesta|vedi sopra|vedi sotto|come sopra|v sopra|vedi risposta precedente|da confermare
    da definire|da determinare|da completare|c s|ver acima|ver abaixo|vide acima|veja acima|como acima
    ver resposta anterior|a definir|a determinar|por definir|a preencher|zie boven|zie hierboven|zie onder
    zie hieronder|zoals hierboven|nog te bepalen|nader te bepalen|n t b|ntb|n n t b|volgt|volgt nog|nog in te vullen
    se ovan|se ovanför|se nedan|samma som ovan|ska bekräftas|kommer senare|se ovenfor|se over|se nedenfor|som ovenfor
    som over|kommer senere|skal bekræftes|skal bekreftes|katso yllä|ks yllä|ks edellä|katso edellinen|vahvistetaan myöhemmin
    jak wyżej|j w|jw|patrz wyżej|zob wyżej|do ustalenia|do potwierdzenia|do uzupełnienia|viz výše
    jako výše|bude upřesněno|bude doplněno|viď vyššie|vezi mai sus|ca mai sus|de confirmat|de stabilit|lásd fent
    lásd feljebb|mint fent|yukarıya bakınız|yukarıya bakın|yukarıdaki gibi|bkz yukarı|belirlenecek|lihat di atas
    lihat atas|sama seperti di atas|akan dikonfirmasi|xem ở trên|xem trên|như trên|см выше|смотри выше|смотрите выше
    как выше|уточняется|будет уточнено|будет дополнено|див вище|уточнюється|βλ παραπάνω
    βλέπε παραπάνω|όπως παραπάνω|انظر أعلاه|كما سبق|يحدد لاحقا|ראה לעיל|כנ ל|ऊपर देखें|同上|如上|见上|見上|见上文|見上文|待定|待补充
    待補充|待确认|待確認|上記参照|上記の通り|上に同じ|未定|要確認|上記と同じ|위와 같음|위 참조|위와 동일|상동|미정|추후 확정""".replace(
        "\n", "|"
    ).split("|")
) | {"".join(words) for words in (*_TO_BE, *_SEE)}
MOST = 60  # characters of an answer that is looked at
_MARKS = frozenset("?!.-_/…？！ ")


def is_put_off(answer: str) -> bool:
    """Whether an answer is nothing but a word that puts it off (`tbc`, `siehe oben`), or question marks."""
    if len(answer) > MOST:
        return False
    if set(answer) <= _MARKS:
        return bool(set(answer) & set("?？"))
    return _bare(answer) in _PUT_OFF
