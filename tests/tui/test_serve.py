"""`seatrial serve` answers its own page only, and warns where others could reach it."""

from __future__ import annotations

import asyncio
import re
import socket
import sys

import pytest

from curate.errors import ConfigError
from tui.commands.serve import serve
from tui.commands.serving import Guarded, allowed_hosts, may_enter

HERE = allowed_hosts("127.0.0.1", 8777)


@pytest.mark.parametrize(
    ("host", "origin", "enters"),
    [
        ("127.0.0.1:8777", None, True),
        ("localhost:8777", "http://localhost:8777", True),
        ("127.0.0.1:8777", "http://evil.example", False),
        ("127.0.0.1:8777", "http://127.0.0.1:9999", False),
        ("127.0.0.1:8777", "null", False),
        ("evil.example:8777", "http://evil.example:8777", False),
        ("evil.example", None, False),
        (None, None, False),
        ("127.0.0.1:8777", "http://[", False),
    ],
)
def test_only_its_own_page_enters(host: str | None, origin: str | None, enters: bool) -> None:
    """Another site's page, or a name that was made to point here, is refused."""
    assert may_enter(host, origin, HERE) is enters


def test_listening_to_all_still_refuses_other_pages() -> None:
    """With 0.0.0.0 any name of this machine may be asked for, but by its own page."""
    everyone = allowed_hosts("0.0.0.0", 8777)
    assert may_enter("box.lan:8777", "http://box.lan:8777", everyone)
    assert not may_enter("box.lan:8777", "http://evil.example", everyone)


async def test_the_gate_is_in_the_server() -> None:
    """A real request from elsewhere gets 403, one from here gets the page."""
    from aiohttp import ClientSession, web

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Guarded(f"{sys.executable} -c pass", host="127.0.0.1", port=port, title="seatrial")
    runner = web.AppRunner(await server._make_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with ClientSession() as session:
            for headers, status in [
                ({}, 200),
                ({"Origin": "http://evil.example"}, 403),
                ({"Host": "evil"}, 403),
            ]:
                async with session.get(f"http://127.0.0.1:{port}/", headers=headers) as answer:
                    assert answer.status == status
                    if status == 200:  # the page asks for nothing from the web, and could not
                        page = await answer.text()
                        assert "textual.js" in page and not re.search(
                            r"<(link|script|img)[^>]*https?://",
                            page.replace(f"127.0.0.1:{port}", "").replace("http:///", "/"),
                        )
                        # its own style sheet stays, without which the terminal stands beside a bare text box
                        assert 'href="/static/css/xterm.css"' in page and "overflow: hidden" in page
                        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            async with session.get(
                f"http://127.0.0.1:{port}/ws", headers={"Origin": "http://evil.example"}
            ) as answer:
                assert answer.status == 403
    finally:
        await runner.cleanup()


def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is said with a way out; an open host is warned of first."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            with pytest.raises(ConfigError, match="in use"):
                serve(host="0.0.0.0", port=taken.getsockname()[1])
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    assert "reached from other machines" in capsys.readouterr().err
