"""Run in the peer's own environment: its bootstrap of its F1, on one core. Argument: a JSON file of labels."""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ["DISABLE_MULTIPROC"] = "1"  # its loop alone, without a pool of processes to start

from lm_eval.api.metrics import bootstrap_stderr, f1_score

told = json.loads(Path(sys.argv[1]).read_text())
items = [(int(gold), int(said)) for gold, said in zip(told["gold"], told["said"], strict=True)]
began = time.perf_counter()
bootstrap_stderr(f1_score, items, told["resamples"])
print(json.dumps({"seconds": time.perf_counter() - began, "version": version("lm_eval")}))
