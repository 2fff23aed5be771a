"""Keys and passwords: kinds found in every surrounding, false alarms on code that holds none, speed."""

from __future__ import annotations

import base64
import gzip
import json
import random
import string
import subprocess
import sys
import sysconfig
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from curate.checks.pii import Pii
from curate.checks.secrets import secrets
from curate.example import frame, with_ids

NAME = "secrets"
HELP = "kinds of secret found in all surroundings, false alarms per million characters of code, speed"

PEER = "detect-secrets==1.5.0"
LETTERS = string.ascii_letters + string.digits
# where a secret may stand; {} is the secret
SURROUNDINGS = (
    "{}",
    "the key is {}",
    "see `{}` there",
    "**{}**",
    '"{}"',
    "'{}',",
    "KEY={}\n",
    "key: {}\r\nnext: 1",
    "(/{})",
    "https://host.example/{}",
    "say: {}.",
    "<code>{}</code>",
    "| a | {} |",
    '{{\\"k\\": \\"{}\\", \\"n\\": 1}}',
    "first line\\n{}\\nlast line",
    "钥匙是{}。",
)
# those that are told by what stands beside them, with the secret as {}
BESIDE = {
    "dsn password": (
        "postgres://admin:{}@db.host.example:5432/x",
        'url = "mysql+pymysql://root:{}@10.0.0.5/shop"',
        "redis://:{}@cache:6379/0",
        "DATABASE_URL=mongodb+srv://app:{}@cluster0.host.example/test?retryWrites=true",
        '{{\\"dsn\\": \\"amqps://u:{}@mq.host.example\\"}}',
    ),
    "token in a url": (
        "https://api.host.example/v1/me?access_token={}",
        "GET /files?id=3&token={}&page=2 HTTP/1.1",
        "[link](https://host.example/?api_key={})",
        '{{\\"url\\": \\"https://host.example/a?x=1\\u0026access_token={}\\"}}',
    ),
    "assigned password": (
        'password = "{}"',
        "db_password='{}'",
        '{{"user": "bob", "password": "{}"}}',
        "database:\n  user: app\n  password: {}\n",
        "DB_PASSWORD={}\nDEBUG=1\n",
        "export ADMIN_PASSWORD='{}'",
        "hi, my password is {}, can you log in?",
        "the password is {}.",
        '{{\\"password\\": \\"{}\\"}}',
        "config['password'] = '{}'",
        "<password>{}</password>",
        "conn = connect(user='x', password='{}')",
        "username: bob\\npassword: {}\\n",
        "mysqldump --password={} shop",
    ),
    "assigned key": (
        'api_key = "{}"',
        '{{"apiKey": "{}"}}',
        "client_secret: {}\n",
        "SECRET_KEY={}\n",
        "export SERVICE_API_KEY={}",
        'os.environ["API_KEY"] = "{}"',
        'const accessToken = "{}";',
        "X-Api-Key: {}",
    ),
    "aws secret": (
        "aws_secret_access_key = {}",
        "AWS_SECRET_ACCESS_KEY={}\n",
        '"SecretAccessKey": "{}"',
        "AKIAQ3EGRIXJQ2V5ZTMN\n{}\n",
    ),
    "bearer header": ("Authorization: Bearer {}", 'curl -H "Authorization: Bearer {}" https://host.example'),
    "password of a command": (
        "docker run -d -e POSTGRES_PASSWORD={} --name db postgres:16",
        "PGPASSWORD={} psql -h db -U app shop",
        "mysqldump -u root -p'{}' shop > shop.sql",
        "sshpass -p '{}' ssh root@10.0.0.1",
        "helm install shop ./chart --set auth.rootPassword={}",
        "kubectl create secret generic db --from-literal=password={}",
        "ENV DB_PASSWORD {}\n",
        "CREATE USER 'app'@'%' IDENTIFIED BY '{}';",
        "ALTER ROLE app WITH PASSWORD '{}';",
        "smtp.login('bob@host.example', '{}')",
        "requests.get(url, auth=('bob', '{}'))",
    ),
    "password apart from its name": (
        "env:\n- name: DB_PASSWORD\n  value: {}\n- name: DB_USER\n  value: app\n",
        '<add key="DbPassword" value="{}" />',
        'variable "db_password" {{\n  type    = string\n  default = "{}"\n}}\n',
        '{{\n  "name": "DB_PASSWORD",\n  "value": "{}"\n}}',
        "machine host.example login bob password {}\n",
        "db.host.example:5432:shop:bob:{}\n",
        "user,password,mail\nbob,{},bob@host.example\n",
        "| user | password |\n| --- | --- |\n| bob | {} |\n",
    ),
    "password in other languages": (
        "Mot de passe : {}",
        "mijn wachtwoord is {}",
        "moje hasło to {}",
        "La mia password è {}, grazie",
        "мой пароль: {}",
        "密码：{}",
        "パスワードは{}です",
        "비밀번호는 {} 입니다",
        "mitt lösenord är {}",
    ),
    "basic header": ("Authorization: Basic {}", "headers = {{'Authorization': 'Basic {}'}}"),
}


def drawn(random_: random.Random, size: int, letters: str = LETTERS) -> str:
    """Characters by chance, of which at least one is a capital, one small and one a digit where there are."""
    while True:
        value = "".join(random_.choices(letters, k=size))
        kinds = [k for k in (str.isupper, str.islower, str.isdigit) if any(map(k, letters))]
        if all(any(map(kind, value)) for kind in kinds):
            return value


def github(random_: random.Random) -> str:
    """A token of the right form and sum that GitHub never gave out."""
    body, number, digits = drawn(random_, 30), 0, ""
    number = zlib.crc32(body.encode())
    base = string.digits + string.ascii_uppercase + string.ascii_lowercase
    while number:
        number, rest = divmod(number, 62)
        digits = base[rest] + digits
    return f"ghp_{body}{digits.rjust(6, '0')}"


def _json64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def pem(r: random.Random) -> str:
    """A private key that opens nothing."""
    body = "\n".join(drawn(r, 64, LETTERS + "+/") for _ in range(12))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"


def by_form(r: random.Random) -> dict[str, list[str]]:
    """Keys with a form of their own, by kind."""
    hexes = string.digits + "abcdef"
    jwt = f"{_json64({'alg': 'HS256', 'typ': 'JWT'})}.{_json64({'sub': '17', 'name': 'x'})}.{drawn(r, 43)}"
    return {
        "aws": ["AKIA" + drawn(r, 16, string.ascii_uppercase + "234567"), "ASIA" + drawn(r, 16, string.ascii_uppercase + "234567")],
        "github": [github(r), "gho_" + drawn(r, 36), f"github_pat_{drawn(r, 22)}_{drawn(r, 59)}"],
        "openai": [f"sk-{drawn(r, 20)}T3BlbkFJ{drawn(r, 20)}", f"sk-proj-{drawn(r, 120, LETTERS + '_-')}", "sk-" + drawn(r, 48)],
        "anthropic": [f"sk-ant-api03-{drawn(r, 93)}AA"],
        "slack": [f"xoxb-{drawn(r, 12, string.digits)}-{drawn(r, 13, string.digits)}-{drawn(r, 24)}", f"https://hooks.slack.com/services/T{drawn(r, 8).upper()}/B{drawn(r, 8).upper()}/{drawn(r, 24)}"],
        "google": ["AIza" + drawn(r, 35, LETTERS + "_-"), f"GOCSPX-{drawn(r, 28)}"],
        "hugging face": ["hf_" + drawn(r, 34)],
        "stripe": ["sk_live_" + drawn(r, 24), "rk_test_" + drawn(r, 99), "whsec_" + drawn(r, 32)],
        "jwt": [jwt],
        "gitlab": ["glpat-" + drawn(r, 20)],
        "npm": ["npm_" + drawn(r, 36)],
        "pypi": ["pypi-AgEIcHlwaS5vcmc" + drawn(r, 150)],
        "sendgrid": [f"SG.{drawn(r, 22)}.{drawn(r, 43)}"],
        "twilio": ["SK" + drawn(r, 32, hexes)],
        "azure": [f"AccountKey={drawn(r, 86)}==", f"sv=2022-11-02&ss=b&srt=sco&sp=r&se=2030-01-01&sig={drawn(r, 43)}%3D"],
        "discord": [f"{_json64(123456789012345678)}.{drawn(r, 6)}.{drawn(r, 38)}"],
        "telegram": [f"{drawn(r, 10, '123456789')}:AA{drawn(r, 33)}"],
        "digitalocean": ["dop_v1_" + drawn(r, 64, hexes)],
        "databricks": ["dapi" + drawn(r, 32, hexes)],
        "groq": ["gsk_" + drawn(r, 52)],
        "replicate": ["r8_" + drawn(r, 37)],
        "xai": ["xai-" + drawn(r, 80)],
        "mailgun": ["key-" + drawn(r, 32, hexes)],
        "square": ["sq0atp-" + drawn(r, 22), "EAAA" + drawn(r, 60)],
        "shopify": ["shpat_" + drawn(r, 32, hexes)],
        "age": ["AGE-SECRET-KEY-1" + drawn(r, 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")],
    }  # fmt: skip


def probes(seed: int) -> dict[str, list[tuple[str, str]]]:
    """Kind to (text, the secret in it); every form in every surrounding."""
    r = random.Random(seed)
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, values in by_form(r).items():
        # in the discord token the words around must say what it is
        lead = "bot token: " if kind == "discord" else ""
        found[kind] = [(lead + around.format(value), value) for value in values for around in SURROUNDINGS]
    key = pem(r)
    found["pem"] = [
        (around.format(each), each)
        for each in (key, key.replace("\n", "\\n"), key.replace("RSA", "OPENSSH"), key.replace("RSA ", "").replace("\n", "\r\n"))
        for around in SURROUNDINGS
    ]  # fmt: skip
    passwords = ["Tr0ub4dor&3", "hunter2", "xK9#mP2$vL", "c0rrect-h0rse", "Blau7Himmel!", drawn(r, 14)]
    values = {
        "dsn password": [*passwords, drawn(r, 24)],
        "token in a url": [drawn(r, 24), drawn(r, 40), drawn(r, 32, "0123456789abcdef")],
        "assigned password": passwords,
        "password of a command": passwords,
        "password apart from its name": passwords,
        "password in other languages": passwords,
        "assigned key": [drawn(r, 24), drawn(r, 40), drawn(r, 32, "0123456789abcdef")],
        "aws secret": [drawn(r, 40, LETTERS + "/+") for _ in range(3)],
        "bearer header": [drawn(r, 40), drawn(r, 64)],
        "basic header": [base64.b64encode(f"bob:{p}".encode()).decode() for p in passwords],
    }
    for kind, each in values.items():
        found[kind] = [(text.format(value), value) for value in each for text in BESIDE[kind]]
    return found


def rows_of(texts: list[str]) -> pl.DataFrame:
    """The texts as examples."""
    rows = [{"messages": [{"role": "user", "content": t}], "source": "s", "meta": "{}"} for t in texts]
    return with_ids(frame(rows), [str(n) for n in range(len(texts))])


def covered(texts: list[tuple[str, str]], check: Pii) -> list[tuple[str, str]]:
    """The probes whose secret is not wholly within a span that the check calls secret."""
    table = rows_of([text for text, _ in texts])
    spans: dict[str, list[tuple[int, int]]] = {}
    found = check.scan(table).findings.select("example_id", "start", "end", "label", "evidence")
    for example, start, end, label, evidence in found.iter_rows():
        if any(name.startswith("SECRET_") for name in (label, *json.loads(evidence).get("also", ()))):
            spans.setdefault(example, []).append((start, end))
    missed = []
    for example, (text, value) in zip(table["example_id"], texts, strict=True):
        at = text.index(value)
        if not any(start <= at and at + len(value) <= end for start, end in spans.get(example, [])):
            missed.append((text, value))
    return missed


def code_of(data: Path | None, limit: int) -> Iterator[str]:
    """Texts of code that hold no secret: the data sets', else Python's own library, in one order."""
    if data is not None:
        for path in sorted((data / "humaneval").glob("*.jsonl.gz")):
            for line in gzip.decompress(path.read_bytes()).decode().splitlines():
                row = json.loads(line)
                yield "\n".join(str(row[name]) for name in ("prompt", "canonical_solution", "test"))
    library = Path(sysconfig.get_paths()["stdlib"])
    seen = 0
    for path in sorted(library.rglob("*.py")):
        if (
            "test" in path.parts
            or "tests" in path.parts
            or "site-packages" in path.parts
            or "idle_test" in path.parts
        ):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        yield text
        seen += len(text)
        if seen > limit:
            return


def peer_figures(texts: list[tuple[str, str]], code: list[str], folder: Path) -> dict[str, float]:
    """Share of probes that detect-secrets finds (its keyed plugins), its false alarms and its speed."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, capture_output=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True, capture_output=True)
    (folder / "in.json").write_text(json.dumps({"probes": texts, "code": code}))
    script = Path(__file__).with_name("peers") / "detect_secrets_lines.py"
    done = subprocess.run([python, script, folder / "in.json"], check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Plant every kind in every surrounding; then look through code and through clean text."""
    planted = probes(7)
    # as a user gets it; for a quick look without its tagger, which takes long to load
    check = Pii(entities=("MAC_ADDRESS",)) if quick else Pii()
    missed = {kind: covered(texts, check) for kind, texts in planted.items()}
    for kind, each in missed.items():
        for text, value in each[:3]:
            print(f"missed: {kind}: {text!r} ({value!r})", file=sys.stderr)
    code = list(code_of(data, 200_000 if quick else 12_000_000))
    characters = sum(map(len, code))
    alarms = [(text[start:end], label) for text in code for label, start, end in secrets(text)]
    for value, label in alarms[:20]:
        print(f"in code: {label}: {value[:80]!r}", file=sys.stderr)
    spent = []
    for _ in range(1 if quick else 5):
        began = time.process_time()
        for text in code:
            for _ in secrets(text):
                pass
        spent.append(time.process_time() - began)
    flat = [probe for texts in planted.values() for probe in texts]
    figures: dict[str, float | None] = {
        "kinds_found": float(sum(not each for each in missed.values())),
        "kinds": float(len(planted)),
        "probes_found_share": 1 - sum(map(len, missed.values())) / len(flat),
        "false_per_million_chars": len(alarms) / characters * 1e6,
        "million_chars_per_cpu_second": characters / sorted(spent)[len(spent) // 2] / 1e6,
        "peer_found_share": None,
        "peer_false_per_million_chars": None,
        "peer_million_chars_per_cpu_second": None,
    }
    why = {name: "left out by --quick" for name in figures if name.startswith("peer_")} if quick else {}
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            try:
                figures |= {f"peer_{k}": v for k, v in peer_figures(flat, code, Path(folder)).items()}
            except subprocess.CalledProcessError as error:
                said = error.stderr.decode() if isinstance(error.stderr, bytes) else str(error.stderr)
                reason = f"detect-secrets could not be installed or run: {said.strip()[-200:]}"
                why = {name: reason for name, value in figures.items() if value is None}
    name, _, version = PEER.partition("==")
    return figures, why, {"name": name, "version": version}, len(flat)
