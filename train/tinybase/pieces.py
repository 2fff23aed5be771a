"""The vocabulary and the tokenizer: lower-case WordPiece, single characters as a last resort.

No text can break it: what no piece covers becomes `<|unk|>`. The marks are written `<|...|>` and not
`<a>` or `<s>`, for tickets pasted from web pages are full of those.
"""

import string
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from train.tinybase.world import ALL_WORDS

PAD, START, USER, ASSISTANT, END, UNKNOWN = MARKS = (
    "<|pad|>",
    "<|start|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|unk|>",
)
CONTEXT = 1024
_CHARACTERS = string.ascii_lowercase + string.digits
_ENDINGS = ("ing", "ed", "er", "ers", "es", "ly", "tion", "ment", "able", "est", "al", "re", "en", "in", "on")
_SYMBOLS = "€£§°–—…„“”‘’·•«»"

# The assistant's words and the end mark stand inside `generation`: these are the tokens that are trained on.
CHAT_TEMPLATE = """\
{{- '<|start|>' -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{- message['content'] -}}
{%- elif message['role'] in ('user', 'tool') -%}
{{- '<|user|>' + message['content'] -}}
{%- elif message['role'] == 'assistant' -%}
{{- '<|assistant|>' -}}
{%- generation -%}
{{- message['content'] + '<|end|>' -}}
{%- endgeneration -%}
{%- else -%}
{{- raise_exception('unknown role ' + message['role'] + '; known are system, user, assistant and tool') -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|assistant|>' -}}
{%- endif -%}
"""


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, int]:
    """Piece to id; whole words, then single characters and `##` continuations, padded to a multiple of 64."""
    pieces = dict.fromkeys(
        [
            *MARKS,
            *ALL_WORDS,
            *_CHARACTERS,
            *string.punctuation,
            *_SYMBOLS,
            *(f"##{letter}" for letter in _CHARACTERS),
            *(f"##{ending}" for ending in _ENDINGS),
        ]
    )
    return {piece: number for number, piece in enumerate(pieces)}


@lru_cache(maxsize=65536)
def encode_word(word: str) -> tuple[int, ...]:
    """Ids of one lower-case word without spaces or inner punctuation; the same as the tokenizer's, without its cost."""
    known = vocabulary()
    ids: list[int] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        stop = next(
            (stop for stop in range(len(word), start, -1) if prefix + word[start:stop] in known), None
        )
        if stop is None:
            return (known[UNKNOWN],)
        ids.append(known[prefix + word[start:stop]])
        start = stop
    return tuple(ids)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer with its chat template. It adds no marks on its own: the template writes them all."""
    core = Tokenizer(models.WordPiece(vocab=vocabulary(), unk_token=UNKNOWN, max_input_chars_per_word=100))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # Not WordPiece's own clean-up: it also turns "do not" into "don't".
    joins = [decoders.Replace(f" {mark}", mark) for mark in ".,:;!?"]
    core.decoder = decoders.Sequence([decoders.WordPiece(prefix="##", cleanup=False), *joins])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def write_tokenizer(folder: Path) -> None:
    """Tokenizer files; the template as chat_template.jinja."""
    build_tokenizer().save_pretrained(str(folder))
