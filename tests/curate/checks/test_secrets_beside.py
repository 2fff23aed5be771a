"""Secrets told by their place: in commands, calls, statements, pairs, tables and other languages; and look-alikes."""

from __future__ import annotations

import base64
import random
import time

import pytest

from benchmarks.secrets import pem
from curate.checks.secrets import secrets

PASSWORD = "kX9vLm2Rt7Qp"
KEY = "q8Zr2Lw9Xc4Vb7Nm1Kj5Hg3F"


def found(text: str) -> list[str]:
    """What is called secret, as written."""
    return [text[start:end] for _, start, end in secrets(text)]


@pytest.mark.parametrize(
    "text",
    [
        "ENV DB_PASSWORD {P}",
        "FROM x\nENV REDIS_PASSWORD={P} REDIS_PORT=6379",
        "docker run -d -e POSTGRES_PASSWORD={P} --name db postgres:16",
        "docker run --env MYSQL_ROOT_PASSWORD={P} mysql",
        "PGPASSWORD={P} psql -h db -U app",
        "MYSQL_PWD={P} mysqldump shop > shop.sql",
        "mysql -u root -p{P} shop",
        "mysqldump --single-transaction -uroot -p'{P}' shop",
        "sshpass -p {P} ssh root@10.0.0.1",
        "docker login -u bob -p {P} registry.host.example",
        "redis-cli -h cache -a {P} ping",
        "helm install db chart/db --set auth.password={P} --wait",
        "helm upgrade x y --set a=b,auth.rootPassword={P}",
        "kubectl create secret generic x --from-literal=password={P} --from-literal=user=bob",
        "terraform apply -var db_password={P}",
        'terraform apply -var "db_password={P}"',
        "curl -d 'user=bob&password={P}' https://host.example/login",
        "- name: DB_PASSWORD\n  value: {P}",
        '- name: DB_PASSWORD\n  value: "{P}"\n- name: X',
        '{"name": "DB_PASSWORD", "value": "{P}"}',
        '{\n  "name": "DB_PASSWORD",\n  "value": "{P}"\n}',
        '<add key="DbPassword" value="{P}" />',
        '<property name="password" value="{P}"/>',
        "<property>\n  <name>javax.jdo.option.ConnectionPassword</name>\n  <value>{P}</value>\n</property>",
        "<key>password</key>\n<string>{P}</string>",
        'variable "db_password" {\n  type        = string\n  description = "of the base"\n  default     = "{P}"\n}',
        "ParameterKey=DBPassword,ParameterValue={P}",
        "CREATE USER 'bob'@'%' IDENTIFIED BY '{P}';",
        "ALTER USER bob WITH PASSWORD '{P}';",
        "CREATE ROLE app LOGIN PASSWORD '{P}';",
        "ALTER USER 'a'@'%' IDENTIFIED WITH caching_sha2_password BY '{P}';",
        "INSERT INTO settings (name, value) VALUES ('smtp_password', '{P}');",
        "app.aws.secret.access.key={K}",
        "spring.datasource.password={P}",
        "machine api.host.example login bob password {P}",
        "machine api.host.example\n  login bob\n  password {P}",
        "db.host.example:5432:prod:bob:{P}",
        "jdbc:oracle:thin:scott/{P}@//db:1521/orcl",
        "username,password\nbob,{P}\nann,zz{P}",
        "| user | password |\n|---|---|\n| bob | {P} |",
        "User name;Password;Mail\nbob;{P};b@x.org",
        "user\tpassword\nbob\t{P}",
        'DriverManager.getConnection("jdbc:mysql://h/x", "root", "{P}");',
        "requests.get(u, auth=('bob', '{P}'))",
        "smtp.login('bob@x.com', '{P}')",
        'smtp.login(user, "{P}")',
        'new NetworkCredential("bob", "{P}")',
        "HTTPBasicAuth('bob', '{P}')",
        "Mot de passe : {P}",
        "Mon mot de passe est {P}, merci",
        "La mia password è {P}",
        "moje hasło to {P}",
        "mijn wachtwoord is {P}",
        "Passwort für den Server: {P}",
        "Mein Kennwort lautet {P}.",
        "mi contraseña es {P}",
        "a minha senha é {P}",
        "mitt lösenord är {P}",
        "min adgangskode er {P}",
        "salasana on {P}",
        "мой пароль: {P}",
        "Пароль — {P}",
        "пароль от почты: {P}",
        "密码:{P}",
        "密码是{P}。",
        "パスワードは{P}です",
        "パスワード：{P}",
        "비밀번호는 {P} 입니다",
        "login bob, pw: {P}",
        "accountkey: {K}",
        'storage_account_key = "{K}"',
        'apikey: "{K}"',
        "The database password: {P}",
        "Şifre: {P}",
        "Mật khẩu: {P}",
    ],
)
def test_its_place_tells_a_secret(text: str):
    value = PASSWORD if "{P}" in text else KEY
    assert value in found(text.replace("{P}", PASSWORD).replace("{K}", KEY))


@pytest.mark.parametrize(
    "text",
    [
        "ENV DB_PASSWORD ${DB_PASSWORD}",
        "ENV PYTHON_VERSION 3.11.2",
        "make PASSWORD=DEFAULT_PASSWORD1 test",
        "docker run -e POSTGRES_PASSWORD=$PGPASS1 -d postgres",
        "docker run -e POSTGRES_PASSWORD_FILE=/run/secrets/pg1 -d postgres",
        "mysql -u root -p shop2",
        "mysql -u root -p$PASS1 shop",
        "git log -p1 mysql",
        "ssh -p 2222 root@host",
        "mkdir -p a1b2c3/d4",
        'sshpass -p "$PASS1" ssh root@host',
        "docker login -u bob -p $TOKEN1 host",
        "zip -r -p out1.zip a1",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db1\n      key: password1",
        "- name: DB_PASSWORD\n- name: HOST1\n  value: db01.host.example",
        '<input type="text" name="password" value="${pw1}">',
        '<label for="password">Password</label>\n<input value="Send1">',
        '{"name": "password", "type": "string1", "description": "of the user"}',
        'variable "db_password" {\n  type = string\n}\nvariable "region" {\n  default = "eu-west-1"\n}',
        "CREATE USER 'bob' IDENTIFIED BY 'password';",
        "WITH PASSWORD '<password>';",
        "The bug was identified by 'Team-7' of ours.",
        "She passes 'level42' with ease",
        "the pass 'abc12' is needed",
        "user, password, host = args",
        "def login(user, password, x1):\n    return db1, user1, x22",
        "username,password\nbob,********\nann,secret",
        "name,keyword,token\na,b1,c2",
        "| option | password | meaning |\n|---|---|---|\n| -p | required | asks for it |",
        "| field | password |\n|---|---|\n| type | varchar(255) |",
        "The token, the key, and the password\nwere lost, found, and sold2u",
        "requests.get(u, auth=('user', 'pass'))",
        "requests.get(u, auth=(user1, password1))",
        "smtp.login('bob@x.com', password)",
        'browser.login("bob", "password")',
        "Mot de passe oublié ?",
        "Mot de passe : obligatoire",
        "Le mot de passe est obligatoire",
        "La password è troppo corta",
        "Het wachtwoord is verlopen",
        "moje hasło to tajemnica",
        "пароль должен содержать минимум 8 символов",
        "пароль: обязательное поле",
        "密码至少为8位，包括字母和数字",
        "密码使用SHA256加密存储",
        "强密码通常包括大小写字母",
        "パスワードは8文字以上です",
        "パスワードはbcryptで保存されます",
        "private password: Base64;",
        "  private val token: Sha256",
        "const password: Type2 = x",
        "if pw1 == pw2:",
        "upward: pwm2, pwr=3v3",
        "machine learning login password reset",
        "cost: $1$2 and $6$ each",
        "spring.datasource.password=${DB_PASSWORD1}",
        'password.text = "Enter2"',
        "secret.key.value = config1.value2",
        "heslo je povinné",
        "parola d'ordine",
        "PWD=/home/bob/src1",
        '"PWD": "/home/bob/x9"',
        "12:30:00:bob:h2o",
        "key | value\nfoo | bar1",
        "password | hash\nbob | 5f4dcc3b5aa765d61d8327deb882cf99",
    ],
)
def test_what_stands_where_a_secret_could_is_left_alone(text: str):
    assert found(text) == []


def test_every_row_of_a_table_is_read_and_no_other_column():
    rows = [(f"user{n}", f"zQ{n}v7Lm{n}kp", f"n{n}x4Rt9") for n in range(4)]
    for mark in (",", ";", "\t", "|"):
        text = "\n".join(mark.join(row) for row in [("name", "password", "note"), *rows])
        assert found(text) == [password for _, password, _ in rows]


def test_a_hash_with_its_salt_is_found_and_one_cut_short_is_not():
    body = "Gk3vT/1pQz8Lw.Xc4Vb7Nm1Kj5Hg3FqRt6Ys0Ud2Ae9Bi4Co8Dm1En5Fo7Gp3Hq6Ir0Js2Kt9Lu4Mv8Nw1OxPy"
    for whole in (
        f"$2b$12${body[:53]}",
        f"$apr1$Ab3dE6gH${body[:22]}",
        f"$6$Ab3dE6gH${body[:86]}",
        f"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzYWx0${body[:24].replace('.', '')}",
    ):
        assert found(f"bob:{whole}:19000") == [whole]
        assert found(f"bob:{whole[:-14]}:19000") == []


def test_a_private_key_in_base64_is_found_and_a_certificate_is_not():
    key = pem(random.Random(4))
    armoured = base64.b64encode(key.encode()).decode()
    assert found(f"data:\n  tls.key: {armoured}\n") == [armoured]
    certificate = base64.b64encode(key.replace("RSA PRIVATE KEY", "CERTIFICATE").encode()).decode()
    assert found(f"data:\n  tls.crt: {certificate}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "password," * 6_000,
        "user,password\n" * 6_000,
        "user,password\nx\n" * 5_000,
        "name: password\n" * 6_000,
        "mysql " * 20_000 + " -p",
        "create " * 20_000 + " identified",
        "auth=(aaaa, " * 20_000 + "')",
        "login a " * 20_000 + "password x1y2z3",
        "密码" * 50_000,
    ],
    ids=["titles", "tables", "short tables", "names", "commands", "statements", "calls", "logins", "wide"],
)
def test_hostile_text_takes_no_longer_than_its_length(text: str):
    began = time.process_time()
    list(secrets(text))
    assert time.process_time() - began < 5


LOGIN = base64.b64encode(b"bob:kX9vLm2Rt7Qp").decode()
HEX = "7abfd3006e4aad2a8c23222426fdbc7b"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"//registry.example/:_auth={LOGIN}", LOGIN),
        (f'{{"auths": {{"registry.example": {{"auth": "{LOGIN}"}}}}}}', LOGIN),
        (f"client = Client('AC662981dc7a4406e610b8fff2e2a5120a', '{HEX}')", HEX),
        ("$pw = ConvertTo-SecureString 'kX9vLm2Rt7Qp' -AsPlainText -Force", PASSWORD),
        ("appendonly yes\nrequirepass kX9vLm2Rt7Qp\n", PASSWORD),
        ("Authorization: SSWS 00FoWMQYFjHjOtIqIwrVBxRV5PM6aLJxhIbmnawT2H", "00FoWMQYFjHjOtIqIwrVBxRV5PM6aLJxhIbmnawT2H"),
        ("password = 'wBhYxlQwVAAz'", "wBhYxlQwVAAz"),
        ("that is my card. password: kX9vLm2Rt7Qp", PASSWORD),
    ],
)  # fmt: skip
def test_logins_of_registries_and_services_are_found(text, value):
    assert found(text) == [value]


def test_keys_of_google_messaging_and_of_django_have_a_form():
    draw = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    messaging = "AAAACX2ZGLk:APA91b" + "".join(draw.choices(letters, k=134))
    django = "django-insecure-" + "".join(draw.choices(letters + "!@#$%^&*(-_=+)", k=50))
    assert found(f"send('{messaging}')") == [messaging]
    assert django in found(f"SECRET_KEY = '{django}'")


@pytest.mark.parametrize(
    "text",
    [
        "password = 'getUserPasswordFromDb'",
        "connect({ user: name, password: hashedPw1 })",
        '{"auth": "Basic authentication"}',
        '{"auth": "bm90aGluZw=="}',
        "account AC662981dc7a4406e610b8fff2e2a5120a is closed",
        "requirepass is a setting of redis",
    ],
)
def test_names_and_words_in_such_places_are_none(text):
    assert found(text) == []
