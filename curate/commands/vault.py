"""`seatrial vault` and `seatrial purge`: what is kept of the originals, and how it is erased."""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError, ResourceError

if TYPE_CHECKING:
    from curate.changing.vault import Vault

ACTIONS = ("key", "show", "restore")


def vault(
    action: Annotated[str, typer.Argument(metavar="key|show|restore", help="what to do")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the vault; for `key` the key file to make")],
    dataset: Annotated[str | None, typer.Argument(help="the version to give its originals back")] = None,
    vault_key: Annotated[str, typer.Option(metavar="FILE", help="the vault's key file")] = "",
    vault_env: Annotated[
        str, typer.Option(metavar="NAME", help="a variable that holds the vault's passphrase")
    ] = "",
    reveal: Annotated[bool, typer.Option("--reveal", help="show the originals themselves")] = False,
    name: Annotated[str, typer.Option("--as", help="what to call the version with the originals")] = "",
) -> Answer:
    """Make a key, look into a vault, or give a version its originals back.

    `key` writes a new key file. `show` counts what a vault holds; with --reveal it lists each original
    beside its pseudonym. `restore` makes a version, raw again, of the one named or the newest.
    """
    if action not in ACTIONS:
        raise ConfigError(f"seatrial vault {action}", hint=f"one of {', '.join(ACTIONS)}")
    if action == "key":
        return _new_key(file)
    from curate.changing.vault import Vault, vault_secret

    opened = Vault.open(file, vault_secret(vault_key, vault_env))
    return _restored(opened, dataset, name) if action == "restore" else _shown(opened, reveal=reveal)


def _new_key(file: Path) -> Answer:
    """A key of 256 bits in a file that its owner alone can read; nothing is ever overwritten."""
    from curate.changing.vault import new_key

    try:
        new_key(file, f"{secrets.token_hex(32)}\n".encode())
    except FileExistsError as error:
        raise ConfigError(
            f"{file} is there already", hint="a key is never overwritten; name another file"
        ) from error
    except OSError as error:
        raise ResourceError(f"{file}: {error.strerror}", hint="name a place that you can write to") from error
    lines = [f"wrote {file}", "keep it apart from the data: who has both can link what was made unlinkable"]
    lines.append(
        "one key for one use: pseudonyms (--key-file), or one vault (--vault-key), never the same for both"
    )
    lines.append(
        f"next: seatrial apply --safe --style pseudonym --key-file {file}, or keep it for a vault alone"
    )
    return Answer(lines, {"written": str(file)})


def _shown(opened: Vault, *, reveal: bool) -> Answer:
    lines, data = [], []
    for entry in opened.entries:
        counts = Counter(each.label for each in entry.told)
        lines.append(
            f"{entry.dataset[:8]} -> {entry.clean[:8]}: {len(entry.rows):,} rows, {len(entry.told):,} values"
            f" ({entry.params.get('style')}, {entry.params.get('scope', 'one scope')})"
        )
        lines += [f"  {count:>8,}  {label}" for label, count in sorted(counts.items())]
        if reveal:
            lines += [f"  {t.example_id[:12]}  {t.label}: {t.fake} = {t.value}" for t in entry.told]
        data.append(
            {
                "from": entry.dataset,
                "to": entry.clean,
                "rows": len(entry.rows),
                "values": [t._asdict() for t in entry.told] if reveal else len(entry.told),
                "labels": dict(counts),
            }
        )
    lines = lines or ["the vault is empty"]
    lines.append(f"next: seatrial vault restore {opened.path}")
    return Answer(lines, {"entries": data})


def _restored(opened: Vault, dataset: str | None, name: str) -> Answer:
    from curate.runs.steps import checked_name
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    called = workspace.name_of(digest) or digest[:8]
    name = checked_name(name or f"{called}-restored")
    examples, rows = opened.restore(workspace.examples(digest))
    params = {"entries": [[each.dataset, each.clean] for each in opened.entries], "rows": rows}
    with workspace.run("restore", params, {"dataset": digest}) as run:
        run.outputs["dataset"] = made = workspace.put_dataset(examples)
    workspace.ledger.set_name(name, made)
    lines = [
        f"{name}: {rows:,} of {examples.height:,} rows have their originals again ({made[:8]})",
        "  this version is raw: seatrial purge erases it",
        f"next: seatrial scan {name}, or seatrial purge {called} when it is no longer needed",
    ]
    return Answer(lines, {"name": name, "dataset": made, "from": digest, "rows": rows, "run": run.run_id})


def purge(
    dataset: Annotated[
        str | None, typer.Argument(help="the clean version that stays, by name or digest")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="erase the raw versions behind it")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without, only the list is shown")] = False,
) -> Answer:
    """Erase the raw versions behind a clean one, the texts of edits, and caches; the history stays.

    Without --yes it shows what would go and does nothing (exit code 1). There is no way back but a vault
    or the source files. Erased means that the files are deleted: a disk may keep the blocks for a while.
    """
    from curate.changing.purge import plan
    from curate.changing.purge import purge as carry_out
    from curate.workspace import Workspace

    if not raw:
        raise ConfigError("seatrial purge needs to be told what", hint="seatrial purge [DATASET] --raw")
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    name = workspace.name_of(digest) or digest[:8]
    planned = plan(workspace, digest)
    lines = [f"{name} ({digest[:8]}) stays; {len(planned.erase):,} raw artifacts behind it:"]
    lines += [f"  {each.digest[:8]}  {each.kind:<16} {each.why}" for each in planned.erase]
    lines += [f"  stays: {each.digest[:8]}  {each.kind}, {each.why}" for each in planned.left]
    blanked = {name: len(rows) for name, rows in planned.words._asdict().items()}
    if planned.words:
        told = ", ".join(f"{count:,} {name}" for name, count in blanked.items() if count)
        lines.append(f"  {told} will say nothing any more: people typed them, or they may quote a row")
    data: dict[str, object] = {
        "dataset": digest,
        "blanked": blanked,
        "erase": [each._asdict() for each in planned.erase],
        "left": [each._asdict() for each in planned.left],
        "done": yes,
    }
    if not yes:
        return Answer([*lines, f"next: seatrial purge {name} --raw --yes erases them for good"], data, 1)
    done = carry_out(workspace, planned)
    lines.append(f"erased, and the caches ({', '.join(done.caches) or 'none'}); the ledger keeps the digests")
    lines.append("next: seatrial verify; delete the source files yourself, they are not of the workspace")
    return Answer(lines, {**data, "erased": done.erased, "run": done.run_id})
