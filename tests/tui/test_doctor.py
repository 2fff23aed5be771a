"""What the doctor says, and that its proof of silence can fail."""

from __future__ import annotations

import pytest

from curate.errors import GateError
from tui.commands import doctor

pytestmark = pytest.mark.slow


def test_it_says_what_is_missing_and_how_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not there is named with the command of its extra."""
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: None if name == "ray" else real(name))
    lines = "\n".join(doctor.doctor().lines)
    assert "missing: ray" in lines
    assert "'.[ray]'" in lines
    assert "tiny base" in lines


def test_offline_contacts_no_host() -> None:
    """The data commands, watched in a process of their own, ask for no host."""
    answer = doctor.doctor(offline=True)
    assert answer.data["offline"]["asked"] == []  # type: ignore[index]
    assert set(answer.data["offline"]["codes"]) <= {0, 1}  # type: ignore[index]


def test_the_watch_sees_a_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up in the watched process is refused and reported: exit code 1."""
    commands = "for words in json.loads(sys.argv[1])"
    assert commands in doctor.WATCHED
    asking = doctor.WATCHED.replace(
        commands,  # the first of them is enough: what all of them do is another test's matter
        "import socket\ntry:\n    socket.getaddrinfo('host.invalid', 80)\nexcept OSError:\n"
        f"    print('refused')\n{commands}[:1]",
    )
    monkeypatch.setattr(doctor, "WATCHED", asking)
    with pytest.raises(GateError, match=r"host\.invalid"):
        doctor.doctor(offline=True)
