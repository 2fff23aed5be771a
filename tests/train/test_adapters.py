"""What becomes of adapters after training: names, the way back, rows, differences, merging, handing over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from curate.deciding import byhand
from curate.errors import ConfigError, GateError, NotFoundError, ResourceError, WorkspaceError
from evalharness.adapters import apart, merging, registry, trained_on
from evalharness.encoding.encode import Encoded
from evalharness.encoding.losses import key_of, losses
from evalharness.models.loaded import load_model
from train import cli_adapters


def compared(workspace, adapter: str, outcome: str) -> str:
    """A comparison of an adapter with this outcome."""
    told = {"artifacts": {"adapter": adapter}, "verdict": {"outcome": outcome}, "said": outcome}
    with workspace.run("compare", {"of": adapter}, {}) as run:
        run.outputs["comparison"] = workspace.put_json("comparison", told)
    return run.outputs["comparison"]


def test_a_run_keeps_its_rows_with_the_loss_at_the_end(two, workspace, base):
    """Each training row once, two epochs, and the loss that the saved adapter has on it."""
    table = trained_on.rows_of(workspace.files(two[0]))
    assert table.height == 24 and set(table["times"]) == {2.0}
    assert table["loss"].to_list() == sorted(table["loss"], reverse=True)
    assert table["trained"].min() > 0 and table["where"].str.starts_with("tickets.jsonl:").all()
    told = json.loads((workspace.files(two[0]) / "training.json").read_text())
    last = told["losses"][-1]
    assert table["loss"].mean() < last["loss"] * 1.5


def test_repeated_rows_count_each_time(tmp_path, two, workspace):
    """A row that a balanced split repeats was trained on as often."""
    loaded = registry.load(registry.adapter(workspace, "one"))
    row = Encoded("a", "f:1", (2, 9, 8, 5), (False, False, True, True))
    other = Encoded("b", "f:2", (2, 9, 5), (False, True, True))
    trained_on.write(loaded, [row, row, other], tmp_path, epochs=2.0, leads=[])
    table = trained_on.rows_of(tmp_path).sort("example_id")
    assert table["times"].to_list() == [4.0, 2.0]
    alone = losses(loaded.model, [row], "cpu")[0]
    assert table["loss"][0] == pytest.approx(alone, abs=1e-5)  # padding beside another row changes nothing
    assert table["rejected"].null_count() == 2


def test_a_pair_keeps_both_answers(tmp_path):
    """Tokens, digests and lead of both; another rejected answer is another pair to `diff`."""
    good = Encoded("a", "f:1 chosen", (2, 9, 8, 5), (False, False, True, True))
    bad, other = (Encoded("a", "f:1 rejected", (2, 9, token), (False, False, True)) for token in (7, 6))
    trained_on.write(None, [good, bad, good, bad], tmp_path, epochs=2.0, leads=[0.0, -800.0])
    [pair] = trained_on.rows_of(tmp_path).to_dicts()
    assert (pair["where"], pair["times"], pair["trained"], pair["lead"]) == ("f:1", 4.0, 3, -800.0)
    assert pair["loss"] == pytest.approx(800.0)  # of pairs of the same name the last
    assert (pair["chosen"], pair["rejected"]) == (key_of(good), key_of(bad))
    trained_on.write(None, [good, other], tmp_path, epochs=2.0, leads=[1.0])
    [changed] = trained_on.rows_of(tmp_path).to_dicts()
    assert changed["chosen"] == pair["chosen"] and changed["digest"] != pair["digest"]


def test_worst_rows_wait_for_a_person(two, workspace, tickets, tmp_path):
    """They are findings of the version, open and not blocking; asked again, only new ones are added."""
    shown = cli_adapters.adapters("rows", "one", worst=3)
    assert len(shown.data["rows"]) == 3 and shown.data["total"] == 24
    answer = cli_adapters.adapters("rows", "one", worst=3, to_review=True)
    assert answer.data["new"] == 3
    found = workspace.findings(workspace.dataset("tickets")).filter(check=byhand.NAME)
    assert set(found["example_id"]) == {row["example_id"] for row in shown.data["rows"]}
    assert set(found["label"]) == {trained_on.LABEL} and not found["blocking"].any()
    assert json.loads(found["evidence"][0])["adapter"] == two[0][:12]
    assert cli_adapters.adapters("rows", "one", worst=5, to_review=True).data["new"] == 2
    bare = tmp_path / "bare"
    shutil.copytree(workspace.files(two[1]), bare, ignore=shutil.ignore_patterns(trained_on.FILE))
    workspace.ledger.set_name("bare", workspace.put_files("adapter", bare))
    with pytest.raises(NotFoundError, match="were not recorded"):
        cli_adapters.adapters("rows", "bare")


def test_promotion_needs_a_verdict_or_a_word_that_is_recorded(two, workspace):
    with pytest.raises(GateError, match="never compared"):
        cli_adapters.adapters("promote", "one")
    compared(workspace, two[0], "SHIP")
    answer = cli_adapters.adapters("promote", "one")
    assert workspace.artifact("adapter", registry.CHAMPION) == two[0]
    assert [each["name"] for each in answer.data["checks"]] == ["rows are the same", "reload equals"]
    compared(workspace, two[1], "DO NOT SHIP")
    with pytest.raises(GateError, match="DO NOT SHIP"):
        cli_adapters.adapters("promote", "two")
    assert workspace.artifact("adapter", registry.CHAMPION) == two[0]
    cli_adapters.adapters("promote", "two", anyway=True)
    row = workspace.ledger.rows("select params from run where kind = 'promote' order by run_id desc")[0]
    assert json.loads(row["params"])["anyway"] and json.loads(row["params"])["verdict"] == "DO NOT SHIP"
    with pytest.raises(ConfigError, match="`tickets` names a dataset"):
        cli_adapters.adapters("promote", "two", alias="tickets", anyway=True)


def test_the_newest_verdict_counts(two, workspace, monkeypatch):
    from evalharness.adapters import registry as module

    found = [(two[0], "a", "SHIP"), (two[1], "b", "SHIP"), (two[0], "c", "NOT SHOWN")]
    monkeypatch.setattr(module, "_verdicts", lambda workspace: iter(found))
    with pytest.raises(GateError, match="NOT SHOWN"):
        registry.must_ship(workspace, two[0], anyway=False)
    assert registry.must_ship(workspace, two[1], anyway=False) == ("b", "SHIP")


def test_an_adapter_that_is_not_what_was_trained_is_not_promoted(two, workspace, made):
    """Other weights under the same record: the losses of its rows tell."""
    folder = workspace.root / "forged"
    import shutil

    shutil.copytree(made[0], folder)
    shutil.copy(made[1] / "adapter_model.safetensors", folder / "adapter_model.safetensors")
    workspace.ledger.set_name("forged", workspace.put_files("adapter", folder))
    with pytest.raises(ResourceError, match="reload equals failed"):
        cli_adapters.adapters("promote", "forged", anyway=True)
    lines = (folder / trained_on.FILE).read_text().replace('"digest": "', '"digest": "0')
    (folder / trained_on.FILE).write_text(lines)
    workspace.ledger.set_name("other rows", workspace.put_files("adapter", folder))
    with pytest.raises(ResourceError, match="rows are the same failed"):
        cli_adapters.adapters("promote", "other rows", anyway=True)


def test_rollback_goes_back_step_by_step(two, workspace):
    for digest in (two[0], two[1], two[0]):
        registry.point(workspace, "promote", "live", digest, {})
    assert registry.way_back(workspace, "live") == [two[0], two[1], two[0]]
    registry.point(workspace, "promote", "live", two[1], {})
    assert registry.rollback(workspace, "live") == (two[1], two[0])
    assert workspace.artifact("adapter", "live") == two[0]
    assert [digest for digest, _ in registry.history(workspace, "live")] == [
        two[0],
        two[1],
        two[0],
        two[1],
        two[0],
    ]
    for goes, comes in ((two[0], two[1]), (two[1], two[0])):
        assert registry.rollback(workspace, "live") == (goes, comes)
    with pytest.raises(ConfigError, match="has meant nothing before"):
        cli_adapters.adapters("rollback", "live")
    with pytest.raises(ConfigError, match="`nobody` means nothing"):
        cli_adapters.adapters("rollback", "nobody")


def test_rollback_looks_at_the_bytes_first(two, workspace):
    for digest in two:
        registry.point(workspace, "promote", "live", digest, {})
    (workspace.files(two[0]) / "adapter_config.json").write_text("{}")
    with pytest.raises(WorkspaceError, match="is damaged"):
        registry.rollback(workspace, "live")
    assert workspace.artifact("adapter", "live") == two[1]


FALLS = """
import os, signal, sys
from curate.workspace import Workspace
from curate.workspace.ledger import Ledger
from evalharness.adapters import registry

end = Ledger.end
Ledger.end = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # the name is set, the run's end is not
registry.rollback(Workspace.open(), "live")
"""


def test_a_killed_rollback_has_happened_or_not(two, workspace):
    for digest in two:
        registry.point(workspace, "promote", "live", digest, {})
    done = subprocess.run([sys.executable, "-c", FALLS], env=dict(os.environ), check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert workspace.artifact("adapter", "live") == two[0]
    assert registry.way_back(workspace, "live") == [two[0]]


def test_list_and_show(two, workspace, base):
    registry.point(workspace, "promote", "live", two[0], {})
    text = "\n".join(cli_adapters.adapters("list").lines)
    assert "live" in text and "not compared" in text and "2 adapters" in text
    told = cli_adapters.adapters("show", "live")
    assert told.data["serve"].startswith(
        f"vllm serve {base} --quantization bitsandbytes --enable-lora --max-lora-rank 8"
    )
    assert "An adapter for" in "\n".join(told.lines)
    with pytest.raises(ConfigError, match="seatrial adapters shows"):
        cli_adapters.adapters("shows")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"peft_type": "VERA"}, "it serves no VERA"),
        ({"peft_type": "LORA", "r": 8, "use_dora": True}, "it serves no DoRA"),
        ({"peft_type": "LORA", "r": 8, "modules_to_save": ["lm_head"]}, "it takes no embeddings"),
        ({"peft_type": "LORA", "r": 1024}, "the rank is above"),
        ({"peft_type": "LORA", "r": 17}, "--max-lora-rank 32"),
    ],
)
def test_what_vllm_cannot_serve_is_said(tmp_path, config, said):
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    each = registry.Adapter("d" * 32, "", ("x",), tmp_path, {"base": "some/base"}, "")
    assert said in registry.serving(each)


def test_diff_tells_settings_rows_curves_and_weights(two, workspace):
    told = cli_adapters.adapters("diff", "one", "two").data
    assert told["settings"] == {"learning_rate": (5e-3, 1e-2)}
    assert told["rows"] == {"both": 24, "first alone": 0, "second alone": 0}
    assert len(told["losses"][0]) == 2
    assert told["weights"]["distance"] > 0.05 and told["weights"]["cosine"] < 0.9999
    same = cli_adapters.adapters("diff", "one", "one")
    assert same.data["weights"]["distance"] < 1e-3 and "same base, settings and versions" in same.lines[1]
    with pytest.raises(ConfigError, match="seatrial adapters diff"):
        cli_adapters.adapters("diff", "one")


def test_the_distance_of_weights_is_that_of_their_products(tmp_path):
    """As if B A had been made; turning both matrices leaves it as it is."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8}
    turn = torch.linalg.qr(torch.randn(4, 4))[0]
    sides = []
    for name in ("first", "second", "turned"):
        folder = tmp_path / name
        folder.mkdir()
        a, b = torch.randn(4, 16), torch.randn(12, 4)
        if name == "turned":
            a, b = turn @ sides[0][0], sides[0][1] @ turn.T
        sides.append((a, b))
        save_file(
            {"x.lora_A.weight": a.contiguous(), "x.lora_B.weight": b.contiguous()},
            folder / "adapter_model.safetensors",
        )
        (folder / "adapter_config.json").write_text(json.dumps(config))
    (a, b), (c, d), _ = sides
    far = apart._weights(tmp_path / "first", tmp_path / "second")
    assert far["distance"] == pytest.approx(
        float((b @ a - d @ c).norm() / (2 * (b @ a)).norm()) * 2, rel=1e-4
    )
    assert apart._weights(tmp_path / "first", tmp_path / "turned")["distance"] < 1e-3


def test_merging_keeps_the_answers_or_is_refused(two, workspace, tmp_path, base):
    """Onto the base as it was held it is the same model; onto the original weights it is not, and says so."""
    answer = cli_adapters.adapters("merge", "one", to=tmp_path / "merged", dtype="float32")
    assert answer.data["kl"] < merging.KL_LIMIT and answer.data["agree"] > merging.AGREE_LIMIT
    assert answer.data["split"] == "validation" and answer.data["rows"] == 4
    loaded = load_model(str(tmp_path / "merged"), quantization="none", device="cpu", threads=1)
    assert loaded.digest == answer.data["digest"] and not hasattr(loaded.model, "disable_adapter")
    assert next(loaded.model.parameters()).dtype.itemsize == 4
    card = (tmp_path / "merged" / "README.md").read_text()
    assert two[0] in card and "An adapter for" in card
    with pytest.raises(ConfigError, match="is there already"):
        cli_adapters.adapters("merge", "one", to=tmp_path / "merged")
    with pytest.raises(GateError, match="answers otherwise"):
        cli_adapters.adapters("merge", "one", to=tmp_path / "original", onto="original")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["merged"]
    told = cli_adapters.adapters("merge", "one", to=tmp_path / "original", onto="original", anyway=True)
    assert (
        told.data["kl"] > merging.KL_LIMIT
        and "beyond the limits" in (tmp_path / "original" / "README.md").read_text()
    )


def test_merging_without_its_rows_is_refused(two, workspace, tmp_path, made):
    digest = workspace.dataset("tickets")
    import shutil

    shutil.rmtree(workspace.store.path(digest))
    with pytest.raises(ConfigError, match="no rows to compare on"):
        cli_adapters.adapters("merge", "one", to=tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    with pytest.raises(ConfigError, match="seatrial adapters merge"):
        cli_adapters.adapters("merge", "one")


def test_export_hands_the_same_training_over(two, workspace, tmp_path, base):
    """Of an adapter with its own settings; of a version alone with those that a run here would take."""
    with pytest.raises(GateError, match="cannot export"):
        cli_adapters.adapters("export", "one", to=tmp_path / "out")
    answer = cli_adapters.adapters("export", "one", to=tmp_path / "out", anyway=True)
    text = (tmp_path / "out" / "tickets.axolotl.train.yaml").read_text()
    longest = max(len(row["messages"]) for row in tickets_in(tmp_path / "out"))
    for line in (
        f'base_model: "{base}"',
        "lora_r: 4",
        'adapter: "qlora"',
        "learning_rate: 0.005",
        "num_epochs: 2",
    ):
        assert line in text
    assert longest == 3 and 20 < int(text.partition("sequence_len: ")[2].partition("\n")[0]) < 64
    assert answer.data["command"] == "axolotl train tickets.axolotl.train.yaml"
    again = cli_adapters.adapters("export", "one", to=tmp_path / "out", anyway=True)
    assert again.data == answer.data
    more = {"data": "tickets", "base": str(base), "format": "llamafactory", "anyway": True}
    cli_adapters.adapters("export", to=tmp_path / "plain", **more)
    plain = (tmp_path / "plain" / "tickets.llamafactory.yaml").read_text()
    assert "lora_rank: 16" in plain and "quantization_bit: 4" in plain and 'dataset: "tickets-train"' in plain
    with pytest.raises(ConfigError, match="of which rows"):
        cli_adapters.adapters("export", to=tmp_path / "none", base=str(base))
    with pytest.raises(ConfigError, match="no configuration for `trl`"):
        cli_adapters.adapters("export", "one", to=tmp_path / "none", format="trl")
    assert not (tmp_path / "none").exists()


def tickets_in(folder) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "tickets-train.jsonl").read_text().splitlines()]


def test_an_interrupted_merge_leaves_nothing(two, workspace, tmp_path, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "compare", stop)
    with pytest.raises(KeyboardInterrupt):
        cli_adapters.adapters("merge", "one", to=tmp_path / "merged")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    row = workspace.ledger.rows("select error from run join run_end using (run_id) where kind = 'merge'")[0]
    assert row["error"].startswith("KeyboardInterrupt")


def test_a_promotion_of_what_was_promoted_before_is_no_way_back(workspace, tmp_path):
    from evalharness.adapters import registry

    made = {}
    for name in "abc":
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": ord(name)}))
        made[name] = workspace.put_files("adapter", folder)
    for name in "aba":
        registry.point(workspace, "promote", "live", made[name], {})
    assert registry.way_back(workspace, "live") == [made["a"], made["b"], made["a"]]
    registry.point(workspace, "rollback", "live", made["b"], {})
    registry.point(workspace, "promote", "live", made["c"], {})
    assert registry.way_back(workspace, "live") == [made["a"], made["b"], made["c"]]
    with pytest.raises(ConfigError, match="moved by promotion alone"):
        registry.must_be_free(workspace, "live")
    with pytest.raises(ConfigError, match="moved by promotion alone"):
        registry.must_be_free(workspace, "champion")
    registry.must_be_free(workspace, "mine")
