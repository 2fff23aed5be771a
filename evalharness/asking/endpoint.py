"""A model behind an OpenAI-compatible endpoint: vLLM, Ollama, llama.cpp, a hosted one."""

from __future__ import annotations

import json
import os
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from curate.errors import ConfigError, ResourceError

if TYPE_CHECKING:
    import httpx

NUMBER = re.compile(r"\d{1,9}(\.\d+)?")
KEY = "SEATRIAL_JUDGE_KEY"
TOO_MANY = frozenset({429, 503, 529})
AGAIN = frozenset({408, 409, 425, 500, 502, 504}) | TOO_MANY
LONGEST_WAIT = 60.0  # seconds; an endpoint that asks for more is given up for this request
LONGEST_BACKOFF = 30.0  # seconds, where it does not say how long to wait
CROWDED = 0.25  # seconds, the first wait of one of too many
JITTER = 0.25  # of a wait, so that those who were refused together do not come back together
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "seatrial"}
STREAMED = b', "stream": true, "stream_options": {"include_usage": true}}'
LARGEST = 64 << 20  # bytes of one response
MOST_TOKENS = 2**31  # of one request; more is no count
FIRST_ANSWER = 90.0  # seconds; a model that is loaded at the first request may need more
NO_COMPLETION = "the endpoint's response is not a chat completion"


class Reply(NamedTuple):
    """What the endpoint said to one request."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    answer_tokens: int | None
    seconds: float | None = None  # of the attempt that was answered
    first_token_seconds: float | None = None  # of it, until the answer began; None where it came whole


class AgainError(ResourceError):
    """An attempt failed and another may not. `wait`: the seconds that the endpoint asks for, if it does."""

    def __init__(
        self, message: str, *, wait: float | None = None, crowded: bool = False, late: bool = False
    ) -> None:
        super().__init__(message)
        self.wait = wait
        self.late = late  # nothing came, or no end of it
        self.crowded = crowded or late  # too many requests, or too slow for so many


class RefusedError(ResourceError):
    """The endpoint will not answer this request, however often it is sent."""


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask. `url` is the part before `/chat/completions`, such as http://localhost:8000/v1."""

    url: str
    model: str
    key_variable: str = KEY  # the environment variable that holds the key, if one is needed
    timeout: float = 60.0  # seconds for one attempt, from its start to the last token
    attempts: int = 5
    sleep: Callable[[float], None] = time.sleep
    first_answer: float = FIRST_ANSWER  # seconds until the first sign of life; who gives none is not there
    silence: float | None = None  # seconds without a sign of life, once it has answered; None: `quiet`

    def __post_init__(self) -> None:
        parts = _parts(self.url)
        if parts.username or parts.password or parts.query:
            raise ConfigError(
                "the endpoint's address has a name, a password or a query in it",
                hint=f"put the key into the environment variable {self.key_variable}",
            )
        if not self.model:
            raise ConfigError("no model was named for the endpoint", hint="its list is at /models")

    @property
    def quiet(self) -> float:
        """Seconds of silence after which it is taken for gone: as set, else an attempt and half of a second one."""
        return 1.5 * self.timeout if self.silence is None else self.silence

    @property
    def address(self) -> str:
        """The full address of a request."""
        return f"{self.url.rstrip('/')}/chat/completions"

    @cached_property
    def _own(self) -> threading.local:
        return threading.local()

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        import httpx

        return httpx.create_ssl_context()

    @property
    def transport(self) -> httpx.HTTPTransport:
        """The connection of the thread that asks; proxies are the environment's.

        One pool for all threads would look through all its connections for each request, and what a client
        of httpx does above a transport (cookies, redirects, hooks) is not needed.
        """
        import httpx

        if not hasattr(self._own, "transport"):
            parts = urlsplit(self.url)
            proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
            verify = self._trust if "https" in (parts.scheme, urlsplit(proxy or "").scheme) else False
            self._own.transport = httpx.HTTPTransport(verify=verify, proxy=proxy)
        found: httpx.HTTPTransport = self._own.transport
        return found

    @cached_property
    def sent(self) -> tuple[httpx.URL, dict[str, str], dict[str, Any]]:
        """What all requests have in common: address, headers, timeouts."""
        import httpx

        key = os.environ.get(self.key_variable, "").strip()  # a line's end comes along from files
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(f"the key in {self.key_variable} holds a character that no key has")
        headers = {**HEADERS, "Authorization": f"Bearer {key}"} if key else dict(HEADERS)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self.timeout)
        return httpx.URL(self.address), headers, {"timeout": timeouts}

    def body(self, messages: Sequence[Mapping[str, Any]], max_tokens: int, seed: int = 0) -> bytes:
        """The request, byte for byte: equal requests have equal bytes. `seed` tells repeats apart."""
        request = {
            "model": self.model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": max_tokens,
            "seed": seed,
        }
        return json.dumps(request, ensure_ascii=False, sort_keys=True).encode()

    def ask(self, body: bytes) -> Reply:
        """The reply to one request; tries again where that can help, as long as the endpoint asks for.

        Raises ConfigError where the key, the address or the model is wrong, ResourceError after the
        last attempt.
        """
        why = ""
        for attempt in range(self.attempts):
            try:
                return self.attempt(body)
            except AgainError as error:
                why = error.message
                if attempt + 1 < self.attempts:
                    self.sleep(self.pause(error, attempt))
        raise ResourceError(f"{self.url}: {why} ({self.attempts} attempts)")

    def pause(self, error: AgainError, attempt: int) -> float:
        """Seconds to wait after the `attempt`th failure (from 0); ResourceError where they are too many."""
        if error.wait is not None and error.wait > LONGEST_WAIT:
            raise ResourceError(f"{self.url}: {error.message}, and asks to wait {error.wait:.0f} s")
        first = CROWDED if error.crowded else 1.0
        wait = min(first * 2.0**attempt, LONGEST_BACKOFF) if error.wait is None else error.wait
        return wait * (1 + JITTER * random.random())

    def attempt(self, body: bytes, *, stream: bool = False, heard: Callable[[], None] | None = None) -> Reply:
        """The reply to one attempt; as a `stream` the answer's first token is timed.

        `heard` is called at each sign of life: an answer, a piece of one, a refusal. Raises AgainError where another attempt may help, RefusedError where none can, ConfigError where
        key, address or model is wrong.
        """
        import httpx

        began = time.monotonic()
        content = body[:-1] + STREAMED if stream else body
        try:
            address, headers, more = self.sent
            request = httpx.Request("POST", address, headers=headers, content=content, extensions=more)
            with closing(self.transport.handle_request(request)) as response:
                kind = response.headers.get("content-type", "")
                if response.is_success and kind.startswith("text/event-stream"):
                    return self._streamed(response, began, heard)
                content = self._whole(response, began)
                if heard:
                    heard()
                if not response.is_success:
                    raise self._refusal(response, content)
                return _reply(content)._replace(seconds=time.monotonic() - began)
        except httpx.TimeoutException as error:
            raise self._late() from error
        except httpx.TransportError as error:
            raise AgainError(f"cannot be reached ({type(error).__name__})") from error
        except httpx.DecodingError as error:
            raise AgainError("the response is not packed as its header says") from error

    def _late(self) -> AgainError:
        return AgainError(f"no answer within {self.timeout:g} s", late=True)

    def _whole(self, response: httpx.Response, began: float) -> bytes:
        """All of a response; AgainError where it trickles in for longer than an attempt may take."""
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            _must_be_small(len(content))
            if time.monotonic() - began > self.timeout:
                raise self._late()
        return bytes(content)

    def _streamed(self, response: httpx.Response, began: float, heard: Callable[[], None] | None) -> Reply:
        """The reply from server-sent events; AgainError where they break off."""
        told = Events()
        first: float | None = None
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            _must_be_small(size)
            told.read(chunk)
            now = time.monotonic()
            if heard and told.alive:
                heard()
            if first is None and told.pieces:
                first = now - began
            if now - began > self.timeout:
                raise self._late()
        reply = told.reply()
        return reply._replace(seconds=time.monotonic() - began, first_token_seconds=first)

    def _refusal(self, response: httpx.Response, content: bytes) -> Exception:
        """The error that a response without success is."""
        code = response.status_code
        if code in AGAIN:
            return AgainError(f"status {code}", wait=_retry_after(response), crowded=code in TOO_MANY)
        said = " ".join(content.decode(errors="replace").split())[:200]
        if code in (401, 403):
            return ConfigError(
                f"{self.url}: the key is refused (status {code})",
                hint=f"the key is read from the environment variable {self.key_variable}",
            )
        if code == 404:
            return ConfigError(
                f"{self.url}: no such address or model (status 404): {said}",
                hint="the address ends before /chat/completions, mostly with /v1",
            )
        if response.has_redirect_location:
            return ConfigError(
                f"{self.url} sends elsewhere (status {code}), to {response.headers['location'][:200]}",
                hint="name that address, without /chat/completions",
            )
        return RefusedError(f"{self.url}: status {code}: {said}")


class Events:
    """A chat completion as it comes in, in server-sent events."""

    def __init__(self) -> None:
        self.pieces: list[str] = []  # of the text, none empty
        self.finish_reason: str | None = None
        self.usage: dict[str, Any] = {}
        self.alive = False  # anything was said, if only a thought: a role alone is not
        self._has_text = False  # even an empty one
        self._rest: list[bytes] = []  # pieces of a line; joined once it is whole

    def read(self, chunk: bytes) -> None:
        """Take in some bytes; a line that they cut waits for the next."""
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._rest, lines[0]))
            self._rest = []
        self._rest.append(rest)
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                self._event(data)

    def _event(self, data: bytes) -> None:
        event = _read(data)
        try:
            if event.get("error"):
                raise AgainError(f"the endpoint broke off: {str(event['error'])[:200]}")
            self.usage = event.get("usage") or self.usage
            for choice in event.get("choices") or ():
                delta = choice.get("delta") or {}
                self.alive |= any(value for key, value in delta.items() if key != "role")
                said = delta.get("content")
                self._has_text |= isinstance(said, str)
                if said and isinstance(said, str):
                    self.pieces.append(said)
                self.finish_reason = choice.get("finish_reason") or self.finish_reason
        except (AttributeError, TypeError) as error:
            raise RefusedError(f"{NO_COMPLETION} ({type(error).__name__})") from error

    def reply(self) -> Reply:
        """The whole of it; AgainError if its end is missing, RefusedError if there was no text in it."""
        if self.finish_reason is None:
            raise AgainError("the answer broke off before its end")
        if not self._has_text:
            raise _textless(self.finish_reason)
        return Reply(joined("".join(self.pieces)), _ended(self.finish_reason), *_tokens(self.usage))


def _parts(url: str) -> SplitResult:
    """The parts of an endpoint's address; ConfigError where it is none."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
        (parts.hostname or "").encode("idna"), parts.port  # either raises where it is none
    except ValueError:
        fits = False
    if not fits:
        raise ConfigError(f"{url}: not the address of an endpoint", hint="http://localhost:8000/v1")
    return parts


def _must_be_small(size: int) -> None:
    """RefusedError where a response is larger than any answer: one without an end would fill the memory."""
    if size > LARGEST:
        raise RefusedError(f"the response is larger than {LARGEST >> 20} MiB")


def _reply(content: bytes) -> Reply:
    value = _read(content)
    if isinstance(value, dict) and value.get("error") and not value.get("choices"):
        raise AgainError(f"the endpoint answers with an error: {str(value['error'])[:200]}")
    try:
        choice = value["choices"][0]
        text, reason = choice["message"].get("content"), choice.get("finish_reason")
        usage = value.get("usage")
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise RefusedError(f"{NO_COMPLETION} ({type(error).__name__})") from error
    if not isinstance(text, str):
        raise _textless(reason)
    return Reply(joined(text), _ended(reason), *_tokens(usage))


def _read(content: bytes) -> Any:  # noqa: ANN401  whatever the endpoint says
    """The JSON of a response. What is none was cut off, or is a gateway's page: AgainError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        said = " ".join(content[:200].decode(errors="replace").split())[:60]
        raise AgainError(f"the response is no JSON: {said!r}") from error


def _textless(reason: object) -> Exception:
    """The error that a completion without a text is."""
    try:
        _ended(reason)
    except (AgainError, RefusedError) as error:
        return error
    told = f", finish reason {reason}" if isinstance(reason, str) else ""
    more = ": all its tokens went elsewhere, as into thoughts" if reason in ("length", "max_tokens") else ""
    return RefusedError(f"{NO_COMPLETION} (no text in it{told}{more})")


def joined(text: str) -> str:
    """The text with halves of surrogate pairs joined, or replaced where the other half is missing: no table takes one."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _ended(reason: object) -> str:
    """`stop` or `length`. An answer that was withheld, or broke off, is no answer: RefusedError, AgainError."""
    if reason == "content_filter":
        raise RefusedError("the endpoint withheld the answer (content_filter)")
    if reason == "error":
        raise AgainError("the endpoint failed in the midst of the answer")
    return "length" if reason in ("length", "max_tokens") else "stop"


def _tokens(usage: object) -> tuple[int | None, int | None]:
    """(of the prompt, of the answer), as far as the endpoint says; what is no count is not known."""
    if not isinstance(usage, Mapping):
        return None, None
    counts = (usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
    read, written = (each if type(each) is int and 0 <= each < MOST_TOKENS else None for each in counts)
    return read, written


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
