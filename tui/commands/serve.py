"""`seatrial serve`: the same screens in a browser, for this machine only unless told otherwise."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError, ResourceError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    host: Annotated[
        str, typer.Option(help="address to listen on; other than this machine's own is open to all")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8777,
) -> Answer:
    """Serve the screens in a browser."""
    import errno

    from tui.commands.serving import Guarded
    from tui.terminal import render

    if host not in LOOPBACK:
        render.talk(
            f"warning: {host} can be reached from other machines; whoever opens it reads the data and decides, "
            "and nothing is encrypted: put it behind a proxy that asks who they are"
        )
    command = shlex.join([sys.executable, "-P", "-m", "tui.workbench"])
    server = Guarded(command, host=host, port=port, title="seatrial")
    try:
        server.serve()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} is in use", hint="choose another with --port") from error
        raise ResourceError(f"{host}:{port}: {error}") from error
    return Answer(["the server has stopped"], {"stopped": True})
