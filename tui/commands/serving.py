"""The server of `seatrial serve`: textual-serve, behind a gate against other web sites.

A page from anywhere may ask a browser to open a web socket to this machine. Without the gate it
could type into the screens; so a request must name this host, and come from this server's own page.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guarded(Server):  # type: ignore[misc]  # the package carries no types
    """A server that answers its own page only, and speaks on stderr."""

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        allowed = allowed_hosts(self.host, self.port)

        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not may_enter(request.headers.get("Host"), request.headers.get("Origin"), allowed):
                raise web.HTTPForbidden(text="this page answers to its own address only")
            return alone(await handler(request), request.host, self.public_url)

        app.middlewares.append(gate)
        return app

    def initialize_logging(self) -> None:
        """Say what goes wrong, on stderr; not each request."""
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """Say where the screens are."""
        from tui.terminal import render

        render.talk(f"the screens are at {self.public_url} (Ctrl+C ends)")


ELSEWHERE = re.compile(r"""<link\b[^>]*\bhref=["']https?://[^>]*>""")
# the screens are as large as the window: no margin, and nothing to scroll to
WHOLE = "<style>html, body { margin: 0; height: 100%; overflow: hidden; } #terminal { width: 100vw; height: 100vh; }</style>"


def alone(response: web.StreamResponse, host: str, public_url: str) -> web.StreamResponse:
    """A response that asks for nothing from anywhere else: the package's page wants a font from the web.

    What the page names by `public_url`, its own style sheet among it, it names by its path, whatever this
    server was called.
    """
    if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
        own = response.text.replace(f'="{public_url}/', '="/')
        socket = public_url.replace("http", "ws", 1)
        own = own.replace(f'="{socket}/', f'="{socket.partition(":")[0]}://{host}/')
        response.text = ELSEWHERE.sub("", own).replace("</head>", f"{WHOLE}</head>")
    if not response.prepared:  # a web socket has sent its headers already
        response.headers["Content-Security-Policy"] = (
            "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
            f"style-src 'self' 'unsafe-inline'; connect-src 'self' ws://{host} wss://{host}"
        )
    return response


def allowed_hosts(host: str, port: int) -> set[str] | None:
    """The values of `Host` that mean this server; None where it listens to everyone."""
    if host in ("0.0.0.0", "::", ""):
        return None
    names = {host, "localhost", "127.0.0.1", "[::1]"} if host in ("localhost", "127.0.0.1", "::1") else {host}
    return {f"{name}:{port}" for name in names} | (names if port == 80 else set())


def may_enter(host: str | None, origin: str | None, allowed: set[str] | None) -> bool:
    """Whether a request with these headers comes from this server's own page, or from no page."""
    if allowed is not None and host not in allowed:
        return False
    try:
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:  # no address at all
        return False
