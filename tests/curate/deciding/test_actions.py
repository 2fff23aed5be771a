"""Every style of redaction, through the whole way: nothing left, the same bytes again, reversible only by the vault."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.changing.keys import opened
from curate.changing.purge import plan, purge, purged
from curate.changing.vault import Vault
from curate.deciding.fakes import REVIEWER
from curate.deciding.review import accept_safe, by_ids, decide, open_blocking, open_findings, record, review
from curate.errors import ConfigError, WorkspaceError
from curate.runs.outgoing import export_version
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace
from tui import cli

MAIL, MATE = "jane.roe@acme-works.com", "bob.miles@acme-works.com"
PHONE, CARD, IBAN = "+49 171 2345678", "4539 1488 0343 6467", "DE89370400440532013000"
KEY, PASSWORD = "AKIAQ3EGRIXJQ2V5ZTMN", "xK9#mP2$vLq"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----"
RAW = (
    MAIL,
    MATE,
    "jane.roe",
    "bob.miles",
    PHONE,
    "2345678",
    CARD,
    IBAN,
    KEY,
    PASSWORD,
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
)
STYLES = ("placeholder", "mask", "remove", "hash", "pseudonym")


def rows() -> list[dict[str, object]]:
    """Values at every place of a chat, some escaped within JSON within JSON."""
    arguments = json.dumps({"to": MAIL, "note": f"pem {PEM}", "iban": IBAN, MATE: 1})
    call = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    chat = [
        {"role": "system", "content": f"You answer {MAIL}. password: {PASSWORD}"},
        {"role": "user", "content": f"I am {MAIL}, call {PHONE} or pay with {CARD}.", "name": "u"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": json.dumps({"key": KEY, "by": {MATE: [IBAN]}}), "tool_call_id": "c1"},
        {"role": "assistant", "content": f"Done, {MAIL}. Key {KEY} and {PEM}"},
    ]
    more = {"phone": PHONE, MATE: f"see {MATE}", "deep": {"list": [{"x": CARD}]}}
    plain = [{"role": "user", "content": f"mail {MAIL}"}, {"role": "assistant", "content": f"to {MATE}?"}]
    return [
        {"messages": chat, "queue": MAIL, "who": MAIL, **more},
        {"messages": plain, "queue": "x", "who": MAIL},
        {"messages": [*plain[:1], {"role": "assistant", "content": "ok"}], "queue": "y", "who": "z"},
    ]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    (tmp_path / "key").write_text("a key of many bytes\n")
    (tmp_path / "vault-key").write_text("the vault has another\n")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return tmp_path


def imported(place: Path) -> tuple[Workspace, str]:
    workspace = Workspace.open(create=True)
    reading = Reading(label="queue", group="who")
    return workspace, import_files(workspace, [str(place / "rows.jsonl")], reading).made.outputs["dataset"]


def cleaned(workspace: Workspace, raw: str, **how: str) -> str:
    """Scanned, safe proposals taken, applied, and scanned again."""
    scan_version(workspace, raw, names=["pii"])
    record(workspace, accept_safe(review(workspace, raw)))
    if how["style"] in ("hash", "pseudonym"):
        how = {"key_file": "key", **how}
    clean = apply_decisions(workspace, raw, **opened(**how)).made.outputs["dataset"]
    scan_version(workspace, clean, names=["pii"])
    return clean


def everything(place: Path, raw: str, *, but: set[str] = frozenset()) -> str:
    """All text under a folder but the raw version: parquet as rows, everything else as it stands."""
    said = []
    for path in sorted(place.rglob("*")):
        if not path.is_file() or raw in path.parts or path.name in {"rows.jsonl", "key", "vault-key", *but}:
            continue
        if path.suffix == ".parquet":
            said.append(json.dumps(pl.read_parquet(path).to_dicts(), default=str, ensure_ascii=False))
        else:
            said.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(said)


@pytest.mark.parametrize("style", STYLES)
def test_no_original_is_left_anywhere(place: Path, style: str):
    """Clean version, findings, changes, ledger with its journal, caches, exports and cards: only the raw version has it."""
    workspace, raw = imported(place)
    clean = cleaned(workspace, raw, style=style)
    assert open_blocking(review(workspace, clean)).select("label", "field", "start", "end").rows() == []
    out = place / "out"
    export_version(workspace, clean, str(out), ["original", "openai", "parquet"], allow_blocking=True)
    (out / "original" / "rows.jsonl").rename(out / "original" / "back.jsonl")
    (out / "review.txt").write_text(str([review(workspace, each).to_dicts() for each in (raw, clean)]))
    workspace.close()
    said = everything(place, raw)
    for value in RAW:
        assert value not in said, value
        assert json.dumps(value)[1:-1] not in said, value
    assert "a key of many bytes" not in said


def test_the_commands_say_no_original_and_no_key(place: Path, capsys: pytest.CaptureFixture[str]):
    words = [
        ["import", "rows.jsonl", "--label", "queue", "--group", "who"],
        ["scan", "--check", "pii"],
        [
            "apply",
            "--safe",
            "--style",
            "pseudonym",
            "--key-file",
            "key",
            "--vault",
            "v",
            "--vault-key",
            "vault-key",
        ],
        ["scan", "--check", "pii"],
        ["review"],
        ["log"],
        ["why", "rows.jsonl:1"],
        ["vault", "show", "v", "--vault-key", "vault-key"],
        ["export", "--to", "out", "--allow-blocking"],
        ["purge", "--raw"],
        ["verify"],
    ]
    codes = [cli.main(each) for each in words]
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert codes == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0], said
    shown_before = said.index("safe proposals accepted")  # what is raw may be looked at until then
    for value in (*RAW, "a key of many", "the vault has"):
        assert value not in said[shown_before:], value


def test_pseudonyms_agree_in_all_turns_and_are_no_findings(place: Path):
    workspace, raw = imported(place)
    clean = cleaned(workspace, raw, style="pseudonym")
    assert open_findings(review(workspace, clean)).is_empty()
    kept = review(workspace, clean).filter(pl.col("reviewer") == REVIEWER)
    assert kept.height > 5 and set(kept["decided"]) == {"keep"}
    chat = workspace.examples(clean)["messages"][0]
    fake = chat[0]["content"].split()[2].rstrip(".")
    assert fake.rpartition(".example.")[0] and "@" in fake
    arguments = json.loads(json.loads(chat[2]["tool_calls"])[0]["function"]["arguments"])
    assert f"I am {fake}," in chat[1]["content"] and f"Done, {fake}." in chat[4]["content"]
    assert arguments["to"] == fake
    # a class may be shared by conversations: its fake is its own, and the same in all rows
    label = workspace.examples(clean)["label"][0]
    assert label.rpartition(".example.")[0] and "@" in label and label not in RAW
    assert arguments["note"].splitlines()[0] == "pem -----BEGIN PRIVATE KEY-----"
    # another conversation, another fake; and with the scope of the dataset the same
    assert fake not in str(workspace.examples(clean)["messages"][1])
    whole = apply_decisions(workspace, raw, **opened(style="pseudonym", scope="dataset", key_file="key"))
    texts = [str(m) for m in workspace.examples(whole.made.outputs["dataset"])["messages"]]
    shared = json.loads(json.dumps(workspace.examples(whole.made.outputs["dataset"])["label"][0]))
    assert all(shared in text for text in texts)


def test_the_same_key_gives_the_same_bytes_and_another_key_others(
    place: Path, monkeypatch: pytest.MonkeyPatch
):
    workspace, raw = imported(place)
    first = cleaned(workspace, raw, style="pseudonym")
    monkeypatch.setenv("SEATRIAL_HOME", str(place / "ws2"))
    second, again = imported(place)
    assert again == raw and cleaned(second, again, style="pseudonym") == first
    (place / "other").write_text("some other key of bytes")
    assert cleaned(second, raw, style="pseudonym", key_file="other") != first
    hashed = cleaned(second, raw, style="hash")
    assert cleaned(workspace, raw, style="hash") == hashed
    params = [
        json.loads(r["params"]) for r in second.ledger.rows("select params from run where kind = 'apply'")
    ]
    assert len({each["key"] for each in params}) == 2 and all(len(each["key"]) == 16 for each in params)


def test_a_hash_is_the_same_everywhere_and_no_number(place: Path):
    workspace, raw = imported(place)
    texts = str(workspace.examples(cleaned(workspace, raw, style="hash")).to_dicts())
    marks = {word for word in texts.replace('"', " ").replace("'", " ").split() if "EMAIL_ADDRESS_" in word}
    assert (
        len({mark[mark.index("[") : mark.index("]")] for mark in marks if "[" in mark and "]" in mark}) == 2
    )


# the vault


def test_the_vault_gives_every_byte_back(place: Path, capsys: pytest.CaptureFixture[str]):
    workspace, raw = imported(place)
    cleaned(workspace, raw, style="pseudonym", vault="v", vault_key="vault-key")
    assert cli.main(["vault", "restore", "v", "--vault-key", "vault-key"]) == 0
    assert Workspace.open().dataset("rows-restored") == raw
    cli.main(["scan", "rows-restored", "--check", "pii"])
    assert (
        cli.main(["export", "rows-restored", "--to", "out", "--format", "original", "--allow-blocking"]) == 0
    )
    (back,) = (place / "out").glob("*.jsonl")
    assert [json.loads(line) for line in back.read_text().splitlines()] == rows()


def test_the_vault_is_unreadable_without_its_key_and_tells_when_it_was_changed(place: Path):
    workspace, raw = imported(place)
    cleaned(workspace, raw, style="pseudonym", vault="v", vault_key="vault-key")
    sealed = (place / "v").read_bytes()
    assert not any(value.encode() in sealed for value in RAW)
    assert (place / "v").stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="does not open"):
        Vault.open(place / "v", b"wrong passphrase")
    for at in (len(sealed) - 1, sealed.index(b"\n") + 1, sealed.index(b'"p": 1') + 5):
        damaged = bytearray(sealed)
        damaged[at] ^= 3
        (place / "v").write_bytes(damaged)
        with pytest.raises((ConfigError, WorkspaceError)):
            Vault.open(place / "v", b"the vault has another")
    (place / "v").write_bytes(b"no vault")
    with pytest.raises(WorkspaceError, match="no vault"):
        Vault.open(place / "v", b"the vault has another")


def test_two_rounds_are_taken_back_through_one_vault(place: Path):
    """What was redacted in a second round stands within what the first one made."""
    workspace, raw = imported(place)
    scan_version(workspace, raw, names=["pii"])
    table = review(workspace, raw)
    mails = table.filter(label="EMAIL_ADDRESS")
    record(workspace, decide(by_ids(table, mails["finding_id"]), "redact"))
    ways = opened(style="pseudonym", key_file="key", vault="v", vault_key="vault-key")
    half = apply_decisions(workspace, raw, **ways).made.outputs["dataset"]
    whole = cleaned(workspace, half, style="pseudonym", vault="v", vault_key="vault-key")
    vault = Vault.open(place / "v", b"the vault has another")
    back, count = vault.restore(workspace.examples(whole))
    assert workspace.put_dataset(back) == raw and count == 3


def test_a_vault_that_cannot_be_written_leaves_nothing_applied(place: Path):
    workspace, raw = imported(place)
    (place / "file").write_text("")
    with pytest.raises(Exception, match="file"):
        cleaned(workspace, raw, style="pseudonym", vault="file/v", vault_key="vault-key")
    assert workspace.dataset("rows") == raw


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"style": "pseudonym"}, "one key is needed"),
        ({"style": "mask", "key_file": "key"}, "takes no key"),
        ({"style": "mask", "vault_key": "vault-key"}, "no vault"),
        ({"style": "pseudonym", "key_file": "key", "vault": "v"}, "needs a key file or a passphrase"),
        ({"style": "hash", "key_env": "NO_SUCH_VARIABLE"}, "holds no key"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_done(place: Path, how: dict[str, str], says: str):
    with pytest.raises(ConfigError, match=says):
        opened(**how)


# erasing


def test_a_purge_leaves_the_clean_version_and_the_history(place: Path, capsys: pytest.CaptureFixture[str]):
    workspace, raw = imported(place)
    clean = cleaned(workspace, raw, style="pseudonym", vault="v", vault_key="vault-key")
    cli.main(["vault", "restore", "v", "--vault-key", "vault-key", "--as", "back"])
    assert cli.main(["purge", "rows", "--raw"]) == 1 and workspace.store.path(raw).is_dir()
    assert cli.main(["purge", "rows", "--raw", "--yes"]) == 0
    assert not (workspace.store.root / raw).exists() and raw in purged(workspace)
    assert workspace.examples(clean).height == 3
    capsys.readouterr()
    assert cli.main(["verify"]) == 0 and "purged" in capsys.readouterr().out
    assert cli.main(["why", "rows.jsonl:1"]) == 0 and "purged" in capsys.readouterr().out
    assert cli.main(["export", "rows", "--to", "out", "--allow-blocking"]) == 0
    workspace.close()
    said = everything(place, "nothing", but={"v"})
    assert not any(value in said for value in RAW)


def test_a_purge_erases_edits_and_the_text_of_rejects(place: Path):
    with (place / "rows.jsonl").open("a") as file:
        file.write(f'{{"messages": [{MAIL}\n')
    workspace, raw = imported(place)
    clean = cleaned(workspace, raw, style="mask")
    planned = plan(workspace, clean)
    assert {each.kind for each in planned.erase} == {"dataset", "rejects"}
    purge(workspace, planned)
    exported = export_version(workspace, clean, str(place / "out"), ["openai"], allow_blocking=True)
    assert "rejected" in exported.card.read_text()
    workspace.close()
    assert MAIL not in everything(place, "nothing")


def test_a_purge_leaves_no_trace_of_a_label_that_no_row_has_any_more(place: Path):
    """A label may be somebody's name: it stood in the raw version, in its split's report and in findings about labels."""
    name = "Mechthild Auerswald"
    texts = {
        "card": "my card {} is stuck in the machine",
        name: f"the landlord of flat {{}} writes to {MAIL}",
    }
    made = [
        {"messages": [{"role": "user", "content": text.format(at)}], "queue": label, "who": f"{label} {at}"}
        for label, text in texts.items()
        for at in range(20)
    ]
    made[1]["queue"], made[22]["queue"] = made[22]["queue"], made[1]["queue"]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    workspace, raw = imported(place)
    scan_version(workspace, raw, names=["wrong-label", "pii"], settings={"wrong-label": {"encoder": "none"}})
    assert cli.main(["split", "rows", "--encoder", "none", "--allow-blocking"]) == 0
    divided = workspace.dataset("rows")
    table = review(workspace, raw)
    assert set(table.filter(pl.col("check") == "wrong-label")["label"]) == {"wrong"}
    named = workspace.examples(raw).filter((pl.col("label") == name) | pl.col("group").str.starts_with(name))[
        "example_id"
    ]
    record(workspace, decide(table.filter(pl.col("example_id").is_in(named.implode())), "drop"))
    clean = apply_decisions(workspace, raw).made.outputs["dataset"]
    assert workspace.examples(clean)["label"].unique().to_list() == ["card"]
    purge(workspace, plan(workspace, clean))
    exported = export_version(workspace, clean, str(place / "out"), ["original"], allow_blocking=True)
    (place / "out" / "rows.jsonl").rename(place / "out" / "back.jsonl")
    assert exported.card.is_file() and {raw, divided} <= purged(workspace).keys()
    workspace.close()
    said = everything(place, "nothing")
    assert not any(part in said for part in (name, *name.split()))


def test_a_purge_that_was_broken_off_is_told_and_can_be_ended(place: Path, monkeypatch: pytest.MonkeyPatch):
    workspace, raw = imported(place)
    clean = cleaned(workspace, raw, style="mask")

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr("curate.changing.purge._remove", fails)
        purge(workspace, plan(workspace, clean))
    assert raw not in purged(workspace)
    purge(workspace, plan(workspace, clean))
    assert raw in purged(workspace) and plan(workspace, clean).erase == []


def test_a_raw_version_cannot_be_what_stays(place: Path):
    workspace, raw = imported(place)
    with pytest.raises(ConfigError, match="raw itself"):
        plan(workspace, raw)


# recipes


def test_a_recipe_takes_key_and_vault_and_ends(place: Path):
    (place / "recipe.toml").write_text(
        '[import]\nfiles = ["rows.jsonl"]\nlabel = "queue"\ngroup = "who"\n[scan]\nchecks = ["pii"]\n'
        '[apply]\nstyle = "pseudonym"\nscope = "dataset"\nkey_file = "key"\nvault = "v"\nvault_key = "vault-key"\n'
    )
    assert cli.main(["curate", "recipe.toml"]) == 0
    workspace = Workspace.open()
    clean = workspace.dataset("rows")
    assert open_findings(review(workspace, clean)).is_empty()
    back, count = Vault.open(place / "v", b"the vault has another").restore(workspace.examples(clean))
    assert count == 3 and MAIL in str(back.to_dicts())
    assert cli.main(["curate", "recipe.toml"]) == 0 and Workspace.open().dataset("rows") == clean
    (place / "recipe.toml").write_text('[import]\nfiles = ["rows.jsonl"]\n[apply]\nstyle = "pseudonym"\n')
    assert cli.main(["curate", "recipe.toml"]) == 2


def test_what_was_split_can_be_split_and_exported_after_the_raw_versions_are_gone(
    place: Path, capsys: pytest.CaptureFixture[str]
):
    rows = [
        {"messages": [{"role": "user", "content": f"Where is parcel {n}? I am a{n}@mail.de, word{n * 7}"},
                      {"role": "assistant", "content": f"It is at stop {n * 13} since {n} days."}]}
        for n in range(40)
    ]  # fmt: skip
    (place / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    quick = ["--check", "pii", "--check", "structure", "--encoder", "none", "--set", "pii.names=none"]
    for words in (
        ["import", "many.jsonl"], ["scan", "many", *quick], ["apply", "many", "--safe"], ["scan", "many", *quick],
        ["split", "many"], ["purge", "many", "--raw", "--yes"], ["split", "many", "--seed", "3"],
        ["export", "many", "--to", "many-out"],
    ):  # fmt: skip
        capsys.readouterr()
        code = cli.main(words)
        assert code in (0, 1) and (code == 0 or words[0] == "scan"), (words, capsys.readouterr())
