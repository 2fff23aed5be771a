"""Headless Chromium through its own debugger protocol: open a page, count scripts, run axe, take pictures."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

AXE = "axe-core@4.11.1"  # MPL-2.0; used here and nowhere in the product
CACHE = Path(tempfile.gettempdir()) / "seatrial-bench-axe"
WAIT = 300  # seconds for one answer of the browser


def chromium() -> str | None:
    """The browser's program, or None where there is none."""
    return next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)


def axe_source() -> str | None:
    """The text of axe.min.js, fetched once by npm; None where that cannot be."""
    file = CACHE / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        npm = shutil.which("npm")
        if npm is None:
            return None
        CACHE.mkdir(parents=True, exist_ok=True)
        words = [npm, "install", "--prefix", str(CACHE), "--no-save", "--ignore-scripts", AXE]
        if subprocess.run(words, capture_output=True, timeout=120, check=False).returncode != 0:
            return None
    return file.read_text(encoding="utf-8")


class Browser:
    """One page in one headless browser; use it as a context."""

    def __init__(self, program: str, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        self.program, self.dark, self.size = program, dark, (width, height)
        self.loop = asyncio.new_event_loop()
        self.scripts: list[str] = []  # addresses of the scripts that came to be
        self.number = 0

    def __enter__(self) -> Self:
        """Start it, on a port that it chooses."""
        self.profile = tempfile.TemporaryDirectory()
        words = [self.program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update", "--disable-extensions",
                 "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={self.profile.name}",
                 "about:blank"]  # fmt: skip
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.loop.run_until_complete(self._connect())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, and forget its profile."""
        self.loop.run_until_complete(self._close())
        self.loop.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        shutil.rmtree(self.profile.name, ignore_errors=True)

    async def _connect(self) -> None:
        import aiohttp

        port = Path(self.profile.name) / "DevToolsActivePort"
        until = time.monotonic() + 60
        while not port.is_file() or not port.read_text().strip():
            if time.monotonic() > until:
                raise TimeoutError("the browser did not start")
            await asyncio.sleep(0.1)
        address = f"http://127.0.0.1:{port.read_text().split()[0]}/json"
        self.session = aiohttp.ClientSession()
        async with self.session.get(address) as reply:
            pages = await reply.json()
        target = next(page for page in pages if page["type"] == "page")
        self.socket = await self.session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        for domain in ("Page", "Runtime", "Debugger"):
            await self._ask(f"{domain}.enable")
        width, height = self.size
        phone = width < 600
        await self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}]
        await self._ask("Emulation.setEmulatedMedia", features=scheme)

    async def _close(self) -> None:
        await self.socket.close()
        await self.session.close()

    async def _ask(self, method: str, **params: object) -> dict[str, Any]:
        self.number += 1
        mine = self.number
        await self.socket.send_json({"id": mine, "method": method, "params": params})
        while True:
            said = json.loads((await asyncio.wait_for(self.socket.receive(), WAIT)).data)
            self._told(said)
            if said.get("id") == mine:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return dict(said["result"])

    def _told(self, said: dict[str, Any]) -> None:
        if said.get("method") == "Debugger.scriptParsed":
            self.scripts.append(str(said["params"].get("url", "")))
        if said.get("method") == "Page.javascriptDialogOpening":
            self.scripts.append("a dialog")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """One command of the protocol."""
        return self.loop.run_until_complete(self._ask(method, **params))

    def open(self, page: Path) -> float:
        """Open a file; the seconds until it is laid out."""
        began = time.perf_counter()
        self.scripts.clear()
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while self._value("document.readyState") != "complete":
            time.sleep(0.05)
        self._value("document.documentElement.offsetHeight")
        return time.perf_counter() - began

    def _value(self, expression: str, *, later: bool = False) -> Any:  # noqa: ANN401  whatever the page says
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=later)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def scripts_seen(self) -> int:
        """Scripts of the page that came to be, and elements that could make one; our own questions do not count."""
        inside = "document.querySelectorAll('script, iframe, object, embed, [onload], [onerror], [onclick]').length"
        waiting = self._value(inside)
        return int(waiting) + sum(1 for url in self.scripts if url and not re.match(r"debugger|pptr", url))

    def value(self, expression: str) -> Any:  # noqa: ANN401  whatever the page says
        """What an expression is in the page."""
        return self._value(expression)

    def keep(self, selector: str, most: int) -> int:
        """Take elements beyond the first `most` out of the page; how many there were. All are made alike."""
        found = f"document.querySelectorAll({json.dumps(selector)})"
        return int(
            self._value(
                f"(()=>{{const all=[...{found}];all.slice({most}).forEach(e=>e.remove());return all.length}})()"
            )
        )

    def axe(self, source: str) -> list[dict[str, Any]]:
        """The violations that axe finds, by its rules for WCAG 2.2 A and AA and its best practices."""
        self._value(source + ";0")
        rules = "{resultTypes: ['violations'], runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}"
        found = self._value(f"axe.run(document, {rules}).then(r => JSON.stringify(r.violations))", later=True)
        return list(json.loads(found))

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of what is seen, or of the whole page."""
        found = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))
