"""What lm-evaluation-harness answers to prompts: HFLM.generate_until, greedy, as its tasks call it.

Run in its own environment as a program: BASE TEXTS. TEXTS is JSON: texts, new, batch, threads.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path


def main() -> None:
    """Print one JSON object on the last line of stdout: seconds, answers, version."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    base, source = sys.argv[1:]
    told = json.loads(Path(source).read_text())
    torch.set_num_threads(told["threads"])
    model = HFLM(pretrained=base, device="cpu", dtype="float32", batch_size=told["batch"], max_length=2048)
    until = {"until": ["</s>"], "max_gen_toks": told["new"], "do_sample": False}

    def requests(texts: list[str]) -> list[Instance]:
        return [
            Instance(request_type="generate_until", doc={}, arguments=(text, until), idx=at)
            for at, text in enumerate(texts)
        ]

    first = " ".join(told["texts"][0].split()[:40])
    model.generate_until(requests([first] * told["batch"]), disable_tqdm=True)  # what a first use costs
    asked = requests(told["texts"])
    began = time.process_time()
    answers = model.generate_until(asked, disable_tqdm=True)
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "answers": answers, "version": version("lm_eval")}))


if __name__ == "__main__":
    main()
