"""./course doctor --apparmor: what it installs, and that it asks. --settings loads it for real.

Root's shell runs on files made here, with an apparmor_parser that only writes down what it got.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import apparmor, privileges, uninstall

PARSER = """#!/bin/sh
echo "$@" >>"${0%/*}/calls"
[ ! -e "${0%/*}/old" ] || { echo "syntax error, unexpected TOK_ID" >&2; exit 1; }
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with what the parser was asked for; root is whoever runs the tests."""
    (tmp_path / "apparmor_parser").write_text(PARSER)
    (tmp_path / "apparmor_parser").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(apparmor, "PROFILE", tmp_path / "profile")
    monkeypatch.setattr(apparmor.os, "geteuid", lambda: 0)
    return tmp_path / "calls"


@pytest.mark.parametrize("answer", ["", "n", "no", "what?"])
def test_nothing_is_changed_unless_somebody_says_yes(calls, capsys, answer):
    apparmor.install(lambda question: answer)
    assert not calls.exists()
    assert not apparmor.PROFILE.exists()
    assert capsys.readouterr().out.endswith("Nothing was changed.\n")


def test_what_is_installed_was_shown_and_goes_again(calls, capsys):
    apparmor.install(lambda question: "y")
    assert apparmor.PROFILE.read_text() == apparmor.TEXT
    assert apparmor.TEXT in capsys.readouterr().out
    apparmor.remove()
    assert not apparmor.PROFILE.exists()
    assert calls.read_text() == f"-r {apparmor.PROFILE}\n-R {apparmor.PROFILE}\n"


def test_an_apparmor_that_does_not_take_it_is_left_as_it_was(calls):
    (calls.parent / "old").touch()
    with pytest.raises(apparmor.AppArmorError, match=r"unexpected TOK_ID.*takes AppArmor 4\.0"):
        apparmor.install(lambda question: "yes")
    assert not apparmor.PROFILE.exists()


def test_nobody_to_ask_is_a_no(calls, capsys):
    def nobody(question: str) -> str:
        raise EOFError

    assert apparmor.main(nobody) == 1
    assert "nobody answered: nothing was changed." in capsys.readouterr().err
    assert not apparmor.PROFILE.exists()


def test_the_profile_is_asked_for_only_where_the_kernel_has_it(tmp_path):
    (tmp_path / "another.1").mkdir()
    assert apparmor.option(tmp_path) == []
    (tmp_path / f"{apparmor.NAME}.7").mkdir()
    assert apparmor.option(tmp_path) == ["--apparmor-profile", apparmor.NAME]


def test_setpriv_gets_it_before_the_capabilities(monkeypatch):
    monkeypatch.setattr(apparmor, "option", lambda: ["--apparmor-profile", "one"])
    command = privileges.handing_over(1 << 39, 65534, 65534)
    assert command[command.index("--apparmor-profile") + 1] == "one"
    assert command.index("setpriv") < command.index("--apparmor-profile")


def test_uninstall_says_so_and_takes_it_away(calls, monkeypatch, capsys):
    monkeypatch.setattr(uninstall, "files", list)
    monkeypatch.setattr(uninstall, "packages", uninstall.Packages)
    monkeypatch.setattr(uninstall, "remove", lambda path: None)
    apparmor.install(lambda question: "y")
    uninstall.uninstall(["--dry-run"])
    assert apparmor.PROFILE.exists()
    assert f"Would remove AppArmor's {apparmor.PROFILE}." in capsys.readouterr().out
    uninstall.uninstall([])
    assert not apparmor.PROFILE.exists()
