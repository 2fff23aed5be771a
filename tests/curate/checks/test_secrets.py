"""Secrets: every kind in every surrounding, nothing in code, prose and placeholders."""

from __future__ import annotations

import json
import random
import time

import pytest

from benchmarks.secrets import by_form, github, probes
from curate.checks.secrets import secrets
from curate.checks.secrets.shape import github_sum, json_header, user_and_password

KINDS = probes(11)


def whole(text: str, value: str) -> bool:
    """Whether some span takes in the whole value."""
    at = text.index(value)
    return any(start <= at and at + len(value) <= end for _, start, end in secrets(text))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_wherever_it_stands(kind: str):
    missed = [(text, value) for text, value in KINDS[kind] if not whole(text, value)]
    assert not missed


def test_a_key_in_json_within_json_is_found():
    key = by_form(random.Random(3))["github"][0]
    inner = json.dumps({"cmd": f'curl -H "X: {key}"\n'})
    assert whole(json.dumps({"arguments": inner}), key)


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "YOUR_API_KEY"',
        'password = "<password>"',
        "password=os.environ['DB_PASSWORD']",
        'password = os.getenv("PASSWORD", "")',
        "def login(user: str, password: str) -> bool:",
        "password: str = Field(..., min_length=8)",
        'password = "xxxxxxxxxxxx"',
        'password = "password"',
        'password = "changeme"',
        'secret = "my-secret"',
        "DB_PASSWORD=${DB_PASSWORD}",
        "password: {{ vault_password }}",
        "token = tokenizer.encode(text)[0]",
        "token_type_ids = inputs['token_type_ids']",
        "if password == confirm_password1:",
        'md5("password") == "5f4dcc3b5aa765d61d8327deb882cf99"',
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        'request_id = "550e8400-e29b-41d4-a716-446655440000"',
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "My password is not working and the old password was rejected.",
        "The secret is to keep at it; my password is expired.",
        "postgres://user:password@localhost/db",
        "amqp://guest:guest@localhost:5672//",
        "mysql://${USER}:${PASSWORD}@host/db",
        "https://example.org/?page=2&key=name&token=abc",
        "token=abc123def456ghi789",
        "token=abcdef0123456789ABCDEF",
        "https://en.wikipedia.org/wiki/Secret?action=edit",
        'if key.startswith("-----BEGIN PRIVATE KEY-----"): return "-----END PRIVATE KEY-----"',
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "Authorization: Bearer <token>",
        'headers = {"Authorization": f"Bearer {token}"}',
        "a task-oriented sk-learn pipeline, hf_hub_download(repo_id)",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "passenger = 'A1b2C3d4', compass=N45deg, bypass: 7days",
        'for(var a=0,b="key";a<9;a++)t[a]=function(e){return e.token=r.secret||"",n(e,"password")}',
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(text: str):
    assert [text[start:end] for _, start, end in secrets(text)] == []


@pytest.mark.parametrize(
    "lead", ["token=", "token: ", "api_key=", "curl -d token=", "password=", "my token is ", "'token': '"]
)
def test_a_poor_token_is_one(lead: str):
    """Its letters and digits are counted up three at a time: typed by hand, and in use."""
    text = f"{lead}abc123DEF456ghi789!'"
    assert [text[start:end] for _, start, end in secrets(text)] == ["abc123DEF456ghi789!"]


def test_base64_of_a_picture_is_no_key():
    bytes_ = random.Random(5).choices(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=200_000
    )
    assert not list(secrets(f"data:image/png;base64,{''.join(bytes_)}=="))


def test_sums_and_headers_are_read():
    token = github(random.Random(1))
    assert github_sum(token) and not github_sum(token[:-1] + ("a" if token[-1] != "a" else "b"))
    # with a right sum the token ends where it ends, whatever follows
    assert [token] == [t[s:e] for t in [f"{token}abc"] for _, s, e in secrets(t)]
    assert (
        json_header("eyJhbGciOiJIUzI1NiJ9")
        and not json_header("eyJmb28iOiJiYXIifQ")
        and not json_header("???")
    )
    assert user_and_password("Ym9iOnNlY3JldDE=") and not user_and_password("aGVsbG8=")


def test_a_capital_that_becomes_two_characters_moves_no_span():
    text = "İİİ password = 'xK9#mP2$vL'"
    assert [text[start:end] for _, start, end in secrets(text)] == ["xK9#mP2$vL"]


@pytest.mark.parametrize(
    "text",
    ["password=" * 6_000, "a" * 300_000, "-----BEGIN PRIVATE KEY-----\n" * 3_000, "?token=" * 6_000, "eyJ" * 30_000, "x:/" * 20_000 + "@"],
    ids=["words", "letters", "begins", "queries", "headers", "addresses"],
)  # fmt: skip
def test_hostile_text_takes_no_longer_than_its_length(text: str):
    began = time.process_time()
    list(secrets(text))
    assert time.process_time() - began < 5
