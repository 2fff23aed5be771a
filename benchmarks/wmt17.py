"""Paired tests of BLEU on WMT17 beside two other programs, as sacrebleu's own tests hold them.

The texts of 16 systems and their reference stand in sacrebleu's source distribution, under Apache-2.0. It is
looked for among the data, and else fetched from the package index.
"""

from __future__ import annotations

import bz2
import io
import pickle
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.metrics.about import bleu
from evalharness.metrics.translation import Bleu
from evalharness.statistics.intervals import Floats, resampled_totals
from evalharness.statistics.pooled import exchanged

PEER = "sacrebleu==2.6.0"
FILE = "test/wmt17_en_de_systems.pkl.bz2"
NEAR = 0.01  # both are drawn by chance; as near as sacrebleu's own tests ask
RESAMPLES = 2000
# by system: Moses' paired bootstrap (mean of three runs), MultEval's approximate randomisation, two-sided
TOLD = {
    "C-3MA.4959": (0.0, 0.0001), "FBK.4870": (0.01267, 0.0218), "KIT.4950": (0.02233, 0.0410),
    "LMU-nmt-reranked.4934": (0.04383, 0.09029), "LMU-nmt-single.4893": (0.20783, 0.58494),
    "online-A.0": (0.0, 0.0001), "online-B.0": (0.381, 0.94111), "online-F.0": (0.0, 0.0001),
    "online-G.0": (0.0, 0.0001), "PROMT-Rule-based.4735": (0.0, 0.0001), "RWTH-nmt-ensemble.4921": (0.01167, 0.0207),
    "SYSTRAN.4847": (0.20983, 0.59914), "TALP-UPC.4834": (0.0, 0.0001), "uedin-nmt.4722": (0.0, 0.0001),
    "xmu.4910": (0.25483, 0.71073),
}  # fmt: skip


class _Texts(pickle.Unpickler):
    """Lists and texts only: nothing that a file names is run."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        raise pickle.UnpicklingError(f"{module}.{name} is no text")


def _systems(archive: Path) -> list[tuple[str, list[Any]]]:
    """(name, texts) of each system, the reference last."""
    with tarfile.open(archive) as files:
        (name,) = [each for each in files.getnames() if each.endswith(FILE)]
        content = files.extractfile(name)
        assert content is not None
        found: list[tuple[str, list[Any]]] = _Texts(io.BytesIO(bz2.decompress(content.read()))).load()
    return found


def _fetched(folder: Path) -> Path:
    """The source distribution; FileNotFoundError where it cannot be had."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", PEER]
    done = subprocess.run(
        [*command, "--dest", str(folder)], capture_output=True, text=True, timeout=300, check=False
    )
    found = sorted(folder.glob("sacrebleu-*.tar.gz"))
    if not found:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise FileNotFoundError(
            f"the source distribution of {PEER} is not among the data, and pip says: {said}"
        )
    return found[0]


def significance(data: Path | None) -> list[float]:
    """How far 15 systems' p values, by bootstrap and by exchange, are beyond what sacrebleu's tests allow."""
    assert data is not None
    with tempfile.TemporaryDirectory() as folder:
        here = sorted(data.glob("sacrebleu-*.tar.gz"))
        systems = _systems(here[-1] if here else _fetched(Path(folder)))
    (reference,) = systems.pop()[1]
    metric = Bleu("none")
    counted = {
        name: np.array([metric.counts(*pair) for pair in zip(texts, ([r] for r in reference), strict=True)])
        for name, texts in systems
    }
    baseline = counted.pop(systems[0][0])
    gaps = []
    for name, rows in counted.items():
        bootstrap, exchange = _p_values(rows, baseline)
        told = TOLD[name.removeprefix("newstest2017.").removesuffix(".en-de")]
        gaps += [max(0.0, abs(p - each) - NEAR) for p, each in zip((bootstrap, exchange), told, strict=True)]
    assert len(gaps) == 2 * len(TOLD)
    return gaps


def _p_values(rows: Floats, baseline: Floats) -> tuple[float, float]:
    """As the two programs count them: distances from the mean distance, and exchanged differences of either sign."""
    observed = abs(float(bleu(rows.sum(0, keepdims=True))[0] - bleu(baseline.sum(0, keepdims=True))[0]))
    totals = resampled_totals(np.hstack([rows, baseline]), RESAMPLES, 0)
    columns = rows.shape[1]
    drawn = np.abs(bleu(totals[:, :columns]) - bleu(totals[:, columns:]))
    other = np.abs(exchanged(rows, baseline, bleu, 0).differences)
    bootstrap = (1 + int(np.sum(drawn - drawn.mean() > observed))) / (1 + len(drawn))
    return bootstrap, (1 + int(np.sum(other > observed))) / (1 + len(other))
