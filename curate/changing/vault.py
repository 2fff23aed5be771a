"""The vault: what stood where pseudonyms stand now, in one encrypted file that its owner alone can read.

The file is a line of JSON that says how the key is made (scrypt) and what the nonce is, and behind it
AES-256-GCM of the content, with that line as associated data. Without the passphrase or the key file
nothing of it can be read, and no byte of it changed unnoticed.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from curate.changing.replacing import Trace
from curate.errors import ConfigError, MissingExtraError, ResourceError, WorkspaceError
from curate.example import EXAMPLES, frame, with_content_hash

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = "seatrial-vault"
SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
MOST_WORK = 1 << 20  # of scrypt, for a file may not ask for all memory there is
SAID = ("messages", "chosen", "rejected", "label", "group", "meta", "layout")  # columns that are given back


class Told(NamedTuple):
    """One value with what stands for it."""

    example_id: str
    label: str
    value: str
    fake: str


@dataclass
class Entry:
    """What one run of apply replaced."""

    dataset: str  # the digest of the version before
    clean: str  # and after
    params: dict[str, Any]
    rows: dict[str, tuple[str, dict[str, Any]]]  # example id to (content hash after, row before)
    told: list[Told]


@dataclass
class Vault:
    """The content of a vault file, oldest entry first."""

    path: Path
    secret: bytes = field(repr=False)
    entries: list[Entry] = field(default_factory=list)
    added: list[Entry] = field(default_factory=list)  # since it was opened

    @classmethod
    def open(cls, path: Path, secret: bytes, *, create: bool = False) -> Vault:
        """The vault in a file; a new one with `create` where there is none.

        Raises ConfigError where the secret does not fit, WorkspaceError where the file is no vault.
        """
        if create and not path.exists():
            return cls(path, secret)
        return cls(path, secret, _read(path, secret))

    def add(self, entry: Entry) -> None:
        """Keep an entry; one about the same two versions is replaced."""
        self.entries = _with(self.entries, entry)
        self.added = _with(self.added, entry)

    def save(self) -> None:
        """Write the file: whole or not at all, readable by its owner alone.

        What another process put in since it was opened stays in.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path.parent):
                if self.path.exists():
                    self.entries = _read(self.path, self.secret)
                    for entry in self.added:
                        self.entries = _with(self.entries, entry)
                _sweep(self.path)
                self._write()
        except OSError as error:
            raise ResourceError(
                f"{self.path}: {error}", hint="nothing was applied; choose another place"
            ) from error

    def _write(self) -> None:
        nonce = secrets.token_bytes(12)
        said: dict[str, Any] = {"what": MAGIC, "format": 1, "cipher": "AES-256-GCM", **SCRYPT}
        said |= {"salt": secrets.token_hex(16), "nonce": nonce.hex()}
        header = json.dumps(said).encode()
        content = json.dumps([_plain(each) for each in self.entries], ensure_ascii=True).encode()
        sealed = _cipher(self.secret, said).encrypt(
            bytes.fromhex(said["nonce"]), zlib.compress(content), header
        )
        draft = _draft(self.path)
        try:
            write_secret(draft, header + b"\n" + sealed)
            draft.replace(self.path)
            _flush(self.path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def restore(self, examples: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """(the examples with what stood there before, how many rows were given back).

        The newest entry first. A row that was changed since by something else stays as it is.
        """
        table, restored = examples, set()
        for entry in reversed(self.entries):
            rows = dict(zip(table["example_id"], table.iter_rows(named=True), strict=True))
            given = {
                name: {**rows[name], **{column: row[column] for column in SAID}}
                for name, (after, row) in entry.rows.items()
                if name in rows and rows[name]["content_hash"] == after
            }
            if given:
                back = frame([dict(given.get(name) or row) for name, row in rows.items()])
                table = with_content_hash(back)
                restored |= set(given)
        return table, len(restored)

    def told(self) -> list[Told]:
        """All values, each with its fake, of all entries."""
        return [each for entry in self.entries for each in entry.told]


def _with(entries: list[Entry], entry: Entry) -> list[Entry]:
    same = (entry.dataset, entry.clean)
    return [each for each in entries if (each.dataset, each.clean) != same] + [entry]


def _read(path: Path, secret: bytes) -> list[Entry]:
    """The entries in a file. Raises as `Vault.open`."""
    try:
        header, _, sealed = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise ConfigError(f"the vault {path}: {error.strerror}", hint="give its place again") from error
    said = _header(path, header)
    try:
        content = _cipher(secret, said).decrypt(bytes.fromhex(said["nonce"]), sealed, header)
    except _invalid_tag() as error:
        raise ConfigError(
            f"the vault {path} does not open",
            hint="another passphrase or key file, or the file was changed",
        ) from error
    return [_entry(each) for each in json.loads(zlib.decompress(content))]


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that its owner alone can read; on return it is on the disk. OSError where it is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def new_key(path: Path, content: bytes) -> None:
    """Write a key file, whole or not at all. Raises FileExistsError where there is a file, OSError else."""
    draft = _draft(path)
    try:
        write_secret(draft, content)
        try:
            os.link(draft, path)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            write_secret(path, content)  # a disk without links, such as a stick
        _flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")


def _sweep(path: Path) -> None:
    """Take away what a killed process left of this file; nobody else writes it just now."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.draft"):
        draft.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While this holds, nobody else writes a vault in that folder: of two, one waits."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _flush(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def entry_of(dataset: str, clean: str, params: Mapping[str, Any], trace: Trace, table: pl.DataFrame) -> Entry:
    """What a vault keeps of one run of apply; `table` is the clean version."""
    after = dict(table.select("example_id", "content_hash").iter_rows())
    rows = {name: (after[name], row) for name, row in sorted(trace.rows.items())}
    told = [Told(*key, fake) for key, fake in sorted(trace.told.items())]
    return Entry(dataset, clean, dict(params), rows, told)


def vault_secret(key_file: str = "", variable: str = "") -> bytes:
    """The passphrase or the content of a key file: from a file, a variable, or asked for at a terminal."""
    if key_file:
        try:
            secret = Path(key_file).expanduser().read_bytes()
        except OSError as error:
            raise ConfigError(
                f"the vault's key file {key_file}: {error.strerror}",
                hint="seatrial vault key FILE makes one; places in a recipe are relative to its folder",
            ) from error
    elif variable:
        if variable not in os.environ:
            raise ConfigError(
                f"the variable {variable} is not set", hint=f"export {variable}=PASSPHRASE first"
            )
        secret = os.environ[variable].encode()
    else:
        raise ConfigError(
            "a vault needs a key file or a passphrase",
            hint="--vault-key FILE, or --vault-env NAME for a variable that holds the passphrase",
        )
    if len(secret.strip()) < 8:
        raise ConfigError("the vault's passphrase is shorter than 8 characters", hint="a longer one")
    return secret.strip()


def _header(path: Path, header: bytes) -> dict[str, Any]:
    try:
        said = json.loads(header)
        good = said["what"] == MAGIC and said["format"] == 1 and 1 < said["n"] <= MOST_WORK
        good = good and 0 < said["r"] <= 32 and 0 < said["p"] <= 16 and said["salt"] and said["nonce"]
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise WorkspaceError(f"{path} is no vault of this program", hint="give the file that --vault named")
    return dict(said)


def _cipher(secret: bytes, said: Mapping[str, Any]) -> AESGCM:
    """AES-256-GCM under the key that scrypt makes of the secret."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM as Cipher
    except ImportError as error:
        raise MissingExtraError("cryptography", "all") from error
    work = {name: int(said[name]) for name in SCRYPT}
    memory = 256 * work["n"] * work["r"]
    key = hashlib.scrypt(secret, salt=bytes.fromhex(said["salt"]), dklen=32, maxmem=memory, **work)
    return Cipher(key)


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


def _plain(entry: Entry) -> dict[str, Any]:
    rows = {name: [after, row] for name, (after, row) in entry.rows.items()}
    return {
        "dataset": entry.dataset,
        "clean": entry.clean,
        "params": entry.params,
        "rows": rows,
        "told": [list(each) for each in entry.told],
    }


def _entry(said: Mapping[str, Any]) -> Entry:
    rows = {name: (after, {c: row.get(c) for c in EXAMPLES}) for name, (after, row) in said["rows"].items()}
    return Entry(said["dataset"], said["clean"], said["params"], rows, [Told(*each) for each in said["told"]])
