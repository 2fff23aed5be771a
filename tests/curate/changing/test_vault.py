"""The vault's file: two that write it at once, one that was killed, keys that are whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from curate.changing.vault import Entry, Told, Vault, new_key, vault_secret
from curate.errors import ConfigError, ResourceError

SECRET = b"a long enough passphrase"

# opens the vault, waits for the other, and puts its own entry in
WORK = """
import sys
from pathlib import Path
from curate.changing.vault import Entry, Told, Vault
path, name = Path(sys.argv[1]), sys.argv[2]
vault = Vault.open(path, b"a long enough passphrase", create=True)
vault.add(Entry(name, name + "-clean", {}, {}, [Told(name, "PERSON", "Anna", "Berta")]))
print("open", flush=True)
sys.stdin.readline()
vault.save()
"""


def entry(name: str) -> Entry:
    """An entry with one value."""
    return Entry(name, f"{name}-clean", {}, {}, [Told(name, "PERSON", "Anna", "Berta")])


def test_of_two_that_write_at_once_both_stay(tmp_path: Path) -> None:
    """Both opened it before either wrote; in a new file and in one that was there."""
    path = tmp_path / "v"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for number in range(2):
        both = [
            subprocess.Popen(
                [sys.executable, "-c", WORK, str(path), f"{who}{number}"], text=True, env=environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for who in ("a", "b")
        ]  # fmt: skip
        for one in both:
            assert one.stdout is not None
            assert one.stdout.readline() == "open\n"
        for one in both:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in both:
            one.communicate(timeout=60)
            assert one.returncode == 0
    assert {e.dataset for e in Vault.open(path, SECRET).entries} == {"a0", "b0", "a1", "b1"}
    assert [each.name for each in tmp_path.iterdir()] == ["v"]


def test_an_entry_about_the_same_versions_is_replaced(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "v", SECRET, create=True)
    for _ in range(2):
        vault.add(entry("a"))
        vault.save()
    assert len(Vault.open(tmp_path / "v", SECRET).entries) == 1


def test_what_a_killed_process_left_goes_with_the_next(tmp_path: Path) -> None:
    """Its own drafts, no other's."""
    for name in (".v.1234abcd.draft", ".other.1234abcd.draft"):
        (tmp_path / name).write_bytes(b"half")
    vault = Vault.open(tmp_path / "v", SECRET, create=True)
    vault.save()
    assert sorted(each.name for each in tmp_path.iterdir()) == [".other.1234abcd.draft", "v"]


def test_a_full_disk_keeps_the_vault_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault.open(tmp_path / "v", SECRET, create=True)
    vault.add(entry("a"))
    vault.save()
    before = (tmp_path / "v").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    vault.add(entry("b"))
    with pytest.raises(ResourceError, match="No space left"):
        vault.save()
    assert (tmp_path / "v").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_key_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never over another file; readable by its owner alone; nothing of it where the disk is full."""
    new_key(tmp_path / "k", b"secret\n")
    assert (tmp_path / "k").read_bytes() == b"secret\n" and (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        new_key(tmp_path / "k", b"other\n")
    assert (tmp_path / "k").read_bytes() == b"secret\n"

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        new_key(tmp_path / "second", b"secret\n")
    assert [each.name for each in tmp_path.iterdir()] == ["k"]


def test_a_variable_that_is_not_set_is_not_called_short(monkeypatch):
    monkeypatch.delenv("VAULT_WORDS", raising=False)
    with pytest.raises(ConfigError, match="VAULT_WORDS is not set"):
        vault_secret("", "VAULT_WORDS")
