"""A model behind an OpenAI-compatible endpoint: vLLM, Ollama, llama.cpp, a hosted one."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from curate.errors import ConfigError, ResourceError

if TYPE_CHECKING:
    import httpx

NUMBER = re.compile(r"\d{1,9}(\.\d+)?")
KEY = "SEATRIAL_JUDGE_KEY"
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 60.0  # seconds; an endpoint that asks for more is given up for this request


class Reply(NamedTuple):
    """What the endpoint said to one request."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    answer_tokens: int | None


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask. `url` is the part before `/chat/completions`, such as http://localhost:8000/v1."""

    url: str
    model: str
    key_variable: str = KEY  # the environment variable that holds the key, if one is needed
    timeout: float = 60.0  # seconds for one attempt
    attempts: int = 5
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{self.url}: not the address of an endpoint", hint="http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise ConfigError(
                "the endpoint's address has a name, a password or a query in it",
                hint=f"put the key into the environment variable {self.key_variable}",
            )
        if not self.model:
            raise ConfigError("no model was named for the endpoint", hint="its list is at /models")

    @property
    def address(self) -> str:
        """The full address of a request."""
        return f"{self.url.rstrip('/')}/chat/completions"

    @cached_property
    def client(self) -> httpx.Client:
        """One connection pool; safe for threads."""
        import httpx

        key = os.environ.get(self.key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(timeout=self.timeout, headers=headers)

    def body(self, messages: Sequence[Mapping[str, Any]], max_tokens: int) -> bytes:
        """The request, byte for byte: equal requests have equal bytes."""
        request = {
            "model": self.model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": max_tokens,
            "seed": 0,
        }
        return json.dumps(request, ensure_ascii=False, sort_keys=True).encode()

    def ask(self, body: bytes) -> Reply:
        """The reply to a request.

        Tries again where trying again can help, and waits as long as the endpoint asks for. Raises
        ConfigError where the key, the address or the model is wrong, ResourceError after the last attempt.
        """
        import httpx

        why = ""
        for attempt in range(self.attempts):
            wait = min(2.0**attempt, 30.0)
            try:
                response = self.client.post(
                    self.address, content=body, headers={"Content-Type": "application/json"}
                )
            except httpx.TimeoutException:
                why = f"no answer within {self.timeout:g} s"
            except httpx.TransportError as error:
                why = f"cannot be reached ({type(error).__name__})"
            else:
                if response.is_success:
                    return _reply(response)
                why = self._refusal(response)
                asked = _retry_after(response)
                if asked is not None and asked > LONGEST_WAIT:
                    raise ResourceError(f"{self.url}: {why}, and asks to wait {asked:.0f} s")
                wait = asked if asked is not None else wait
            if attempt + 1 < self.attempts:
                self.sleep(wait)
        raise ResourceError(f"{self.url}: {why} ({self.attempts} attempts)")

    def _refusal(self, response: httpx.Response) -> str:
        """In words what a response that may be tried again said; raises for one that may not."""
        code = response.status_code
        if code in AGAIN:
            return f"status {code}"
        said = " ".join(response.text.split())[:200]
        if code in (401, 403):
            raise ConfigError(
                f"{self.url}: the key is refused (status {code})",
                hint=f"the key is read from the environment variable {self.key_variable}",
            )
        if code == 404:
            raise ConfigError(
                f"{self.url}: no such address or model (status 404): {said}",
                hint="the address ends before /chat/completions, mostly with /v1",
            )
        raise ResourceError(f"{self.url}: status {code}: {said}")


def _reply(response: httpx.Response) -> Reply:
    try:
        value = response.json()
        choice = value["choices"][0]
        text = choice["message"]["content"]
        if not isinstance(text, str):
            raise TypeError("content is not a text")
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ResourceError(
            f"the endpoint's response is not a chat completion ({type(error).__name__})"
        ) from error
    usage = value.get("usage") or {}
    reason = "length" if choice.get("finish_reason") == "length" else "stop"
    return Reply(text, reason, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the endpoint asks to wait, given as seconds or as a date; None if it does not."""
    said = response.headers.get("retry-after", "").strip()
    if not said:
        return None
    if NUMBER.fullmatch(said):
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
