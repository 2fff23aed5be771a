"""Each benchmark's short form ends with one JSON object that has every key that it promises."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEYS = {
    "dedup": "wall_ratio_rensa wall_ratio_datasketch recall precision peak_mb growth cold_ratio_rensa",
    "dedup-short": "wrong_removals missed",
    "pii-speed": "cpu_ratio_presidio cpu_ratio_clean differing_texts texts fuzzed full_chars_per_cpu_second",
    "pii-quality": "f2 f2_person f2_location f2_phone f2_email f2_iban f2_ssn f2_ip f2_url f2_credit_card",
    "secrets": "kinds_found kinds false_per_million_chars",
    "leaks": "f1_algebra f1_sociology recall_gsm8k_at_p99 hard_recall_at_p99 ngram_f1 threshold",
    "labels": "ap_uniform ap_confusable p_at_100_uniform ap_answers",
    "split": "cpu_seconds max_label_deviation groups_crossing near_duplicates_crossing cpu_ratio_sgkf",
    "curate-million": "wall_seconds peak_mb rows_in rows_out rows_dropped rows_rejected",
    "curate-kill": "kills resumes_equal",
    "screens": "first_paint_seconds peak_mb key_p95_ms bytes_per_key ratio_datatable",
    "labelling": "burst_sent burst_recorded kills kills_lossless merge_orders_equal",
    "active": "words_least_sure_500 words_chance_500 meaning_least_sure_1000 meaning_chance_1000",
    "hostile": "rows places acted crashed shifted",
    "resume": "weights_max_difference optimizer_max_difference kills",
    "train-proofs": " ".join(f"c{each} c{each}_seconds" for each in (*range(1, 19), "6b")),
    "train-step": "step_ratio_trl_equal token_rate_ratio_trl_default token_rate_ratio_trl_tuned "
    "loss_difference_50 gpu memory_estimate_error",
    "ray": "equal_to_local equal_after_node_loss rows",
}


# they measure no process of their own: here most of what they import is there already
HERE = (
    *("active", "labelling", "labels", "leaks", "pii-quality", "pii-speed", "ray", "secrets", "train-proofs"),
    "train-step",
)


@pytest.fixture
def printed(monkeypatch, capsys):
    """What a benchmark's command prints; some run in this process."""

    def run(name: str) -> str:
        words = ["-m", "benchmarks", name, "--quick"]
        if name not in HERE:
            done = subprocess.run(
                [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-3000:]
            return done.stdout
        monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # as one of them would set it, for good
        monkeypatch.setattr(sys, "argv", words[1:])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("benchmarks", run_name="__main__")
        assert ended.value.code == 0
        return capsys.readouterr().out

    return run


def figures(name: str, printed: str) -> dict[str, float | None]:
    """What stands in the last line."""
    told = json.loads(printed.splitlines()[-1])
    assert {"name", "figures", "why", "peer", "n", "machine", "seconds", "command"} <= set(told)
    assert told["name"] == name
    assert all(key in told["why"] for key, value in told["figures"].items() if value is None)
    return told["figures"]


@pytest.mark.slow(90)
@pytest.mark.encoder
@pytest.mark.parametrize("name", KEYS)
def test_the_short_form_has_every_key(name, printed):
    found = figures(name, printed(name))
    assert set(KEYS[name].split()) <= set(found)
    if name == "dedup-short":
        assert found["wrong_removals"] == found["missed"] == 0
    if name == "curate-kill":
        assert found["kills"] == found["resumes_equal"] == 1
    if name == "labelling":
        assert found["burst_sent"] == found["burst_recorded"] == 60
        assert found["kills"] == found["kills_lossless"] and found["merge_orders_equal"] == 1
    if name == "hostile":
        assert found["rows"] >= 60 and found["places"] >= 15
        assert found["acted"] == found["crashed"] == found["shifted"] == 0
    if name == "curate-million":
        assert found["rows_in"] == found["rows_out"] + found["rows_dropped"] + found["rows_rejected"]
    if name == "secrets":
        assert found["kinds_found"] == found["kinds"] >= 13
    if name == "pii-speed":
        assert found["texts"] > 0
    if name == "train-proofs":
        always = {value for key, value in found.items() if not key.endswith("_seconds")} - {None}
        assert always == {1} and found["c1"] == found["c12"] == found["c15"] == 1
