"""The model card: README.md and the licence note beside the weights."""

import json
from pathlib import Path

_CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
tags: [toy, text-generation]
---

# Seatrial tiny base

**A toy.** {parameters:,} parameters, trained in {minutes} minutes on two processor cores on invented support
tickets. It is here so that the whole loop (curate, baselines, fine-tune, compare) runs with no network
and no GPU, and so that zero-shot, few-shot, retrieval and fine-tuning really differ. It proves that the
loop works. It proves nothing about the quality of any data, recipe or model of yours, and no figure
reached with it should be quoted as such.

## What it knows

The language is that of `train/tinybase/world.py`: 32 topics of ten keywords each, short tickets, queues
with code names. It has learned what the keywords mean, and to answer a ticket from answered tickets of
the same company earlier in the chat, as `<queue>: <short reply>`. It knows no company: without examples
its choice of queue is chance.

    system     Keystone queues: oak, sierra, viola, vale.
    user       Hello, my mug has a crack problem since Monday.
    assistant  oak: sorry, we replace the mug this week.

Choose a queue by the likelihood of its name right after the prompt. Free answers are poor before
fine-tuning: without examples none, with six retrieved ones half kept the shape (20 tickets of one unseen
company). Put the most similar example last. It was trained on up to {length} tokens: more than about a dozen examples
will not help. It reads lower-case; what is not a whole word for it becomes single characters, and
what is not a character for it becomes `<|unk|>`.

## How it was made

`{command}` with seed {seed}: {tokens:,} tokens in {steps:,} steps and {seconds:,} seconds. All text comes
from this project's generator; no other text or model was used. Queue names, products, companies and two
of ten keywords of each topic were held out, and those of the demo and of the gate are among them.
Topics and phrases are shared with the gate: it measures "a new company", not "a new language".
Four aids make it learn in so short a time: two early losses that fade out, Muon, and a start
from near-copying attention (`losses.py`, `muon.py`, `model.py`). `training_log.jsonl` has the whole run,
`digest.json` its facts. `python -m benchmarks tinybase` measures the gate again.

Apache-2.0, as the rest of the repository.
"""
_LICENCE = "Weights, tokenizer and text of this folder: Apache-2.0, see the file LICENSE at the top of the repository.\n"


def write_card(folder: Path, parameters: int, length: int) -> None:
    """Write README.md and LICENSE from the figures of digest.json; `length` is the longest trained text in tokens."""
    facts = json.loads((folder / "digest.json").read_text(encoding="utf-8"))
    facts |= {"parameters": parameters, "length": length, "minutes": round(facts["seconds"] / 60)}
    (folder / "README.md").write_text(_CARD.format(**facts), encoding="utf-8")
    (folder / "LICENSE").write_text(_LICENCE, encoding="utf-8")
