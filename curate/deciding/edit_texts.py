"""The new texts of edits, kept many at once: what would be a second for fifty is one for thousands."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from curate.changing.apply import Edit
from curate.deciding.review import EDIT_KIND, must_fit
from curate.errors import ResourceError
from curate.workspace import Decision, Workspace, now
from curate.workspace.store import FILES

VALUE = "value.json"
AT_ONCE = 32  # flushes that are under way at a time: a disk does many in the time of one


def edit_text(edit: Edit) -> bytes:
    """The bytes that a workspace keeps of an edit. Raises UnicodeEncodeError for half a character."""
    return json.dumps(edit.said(), sort_keys=True, indent=1, ensure_ascii=False).encode("utf-8")


def edit_digest(edit: Edit) -> str:
    """The digest under which a workspace keeps it, without writing it."""
    content = blake2b(edit_text(edit), digest_size=16).hexdigest()
    return blake2b(EDIT_KIND.encode() + json.dumps([VALUE, content]).encode(), digest_size=16).hexdigest()


def keep_edits(workspace: Workspace, edits: Sequence[Edit]) -> list[str]:
    """Keep the texts of edits; their digests, in the order given. On return all are on the disk.

    Each is an artifact of its own, as if it had been kept alone. Stopped in between, some are there and
    no decision names them; the next time they are found and kept.
    """
    digests = [edit_digest(edit) for edit in edits]
    if not digests:
        return []
    root = workspace.store.root
    new = {d: edit for d, edit in zip(digests, edits, strict=True) if not (root / d).is_dir()}
    draft = root / f".edits.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        draft.mkdir()
        for digest, edit in new.items():
            folder = draft / digest / FILES
            folder.mkdir(parents=True)
            (folder / VALUE).write_bytes(edit_text(edit))
        _flush([path for digest in new for path in _all(draft / digest)])
        for digest in new:
            _move(draft / digest, root / digest)
        _flush([root])
    except OSError as error:
        raise ResourceError(f"{root}: {error}", hint="free some disk space; nothing was decided") from error
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
    at = now()
    rows = [(digest, EDIT_KIND, 0, at) for digest in dict.fromkeys(digests)]
    workspace.ledger.write("insert or ignore into artifact values (?, ?, ?, ?)", rows)
    return digests


def decide_edits(
    workspace: Workspace, said: Sequence[tuple[Mapping[str, object], Edit]], *, by: str, note: str = ""
) -> list[Decision]:
    """The decisions that give findings new texts, as `curate.deciding.review.decide_edit` for each, with all texts kept."""
    for finding, edit in said:
        must_fit(finding, edit)
    digests = keep_edits(workspace, [edit for _, edit in said])
    return [
        Decision(str(finding["finding_id"]), edit.example_id, "edit", by, note, digest)
        for (finding, edit), digest in zip(said, digests, strict=True)
    ]


def _all(folder: Path) -> list[Path]:
    return [folder / FILES / VALUE, folder / FILES, folder]


def _move(draft: Path, final: Path) -> None:
    """Give an artifact its name; another process may have put the same one first."""
    try:
        draft.rename(final)
    except OSError:
        if not final.is_dir():
            raise


def _flush(paths: Iterable[Path]) -> None:
    """Have all of them on the disk."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(_sync, path) for path in paths]:
            done.result()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
