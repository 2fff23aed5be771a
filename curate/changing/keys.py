"""How values are to be replaced, with the key and the vault that a command or a recipe names, opened."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from curate.changing.redact import KEYED
from curate.changing.vault import Vault, vault_secret
from curate.errors import ConfigError
from curate.pseudonyms import read_key

KEY_PLACES = ("key_file", "vault", "vault_key")  # the settings that are paths


class Ways(TypedDict):
    """What `apply_decisions` takes besides the version."""

    style: str
    numbered: bool
    scope: str
    key: bytes
    vault: Vault | None


def opened(
    *,
    style: str,
    numbered: bool = False,
    scope: str = "conversation",
    key_file: str = "",
    key_env: str = "",
    vault: str = "",
    vault_key: str = "",
    vault_env: str = "",
) -> Ways:
    """The settings, tried: raises ConfigError for a key or a vault that is missing, wrong or of no use."""
    if style not in KEYED and (key_file or key_env):
        raise ConfigError(
            f"the style {style} takes no key", hint=f"styles with one: {', '.join(sorted(KEYED))}"
        )
    if not vault and (vault_key or vault_env):
        raise ConfigError("a key for a vault, but no vault", hint="--vault FILE says where it is")
    key = read_key(key_file, key_env) if style in KEYED else b""
    kept = None
    if vault:
        path = Path(vault).expanduser()
        secret = vault_secret(vault_key, vault_env)
        if secret == key:
            raise ConfigError(
                "the vault's key is the key of the pseudonyms",
                hint="who gets the one could open the other: seatrial vault key OTHER makes a second key",
            )
        kept = Vault.open(path, secret, create=True)
    return Ways(style=style, numbered=numbered, scope=scope, key=key, vault=kept)
