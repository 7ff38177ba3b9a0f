"""Who starts ./course elsewhere is told so: WSL by what /proc/version says, given as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored import COURSE

from tools import checkout

WSL_1 = "Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) (gcc version 5.4.0 (GCC) )"
WSL_2 = "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@941d701f84f1) (gcc (GCC) 11.2.0)"
DEBIAN = "Linux version 6.12.48+deb13-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc)"
AZURE = "Linux version 6.1.0-1007-azure (build@here) (gcc) #7~Microsoft-tuned"


@pytest.mark.parametrize(("version", "number"), [(WSL_1, 1), (WSL_2, 2), (DEBIAN, 0), (AZURE, 0)])
def test_wsl_is_told_by_its_version(version, number):
    assert checkout.wsl(version) == number


def ask(tmp_path: Path, version: str) -> int:
    (tmp_path / "version").write_text(version)
    return checkout.main([str(tmp_path / ".venv")], tmp_path / "version")


@pytest.fixture(autouse=True)
def nothing_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout.checkout, "trouble", lambda course, environment: "")


def test_wsl_1_is_the_end_and_the_cure_is_named(tmp_path, capsys):
    assert ask(tmp_path, WSL_1) == 1
    said = capsys.readouterr().err
    assert said.startswith("course: this is WSL 1, which has no Linux kernel")
    assert "wsl --set-version NAME 2" in said and said.count("\n") == 1


def test_wsl_2_is_told_and_goes_on(tmp_path, capsys):
    assert ask(tmp_path, WSL_2) == 0
    said = capsys.readouterr().err
    assert said.startswith(
        "This is WSL 2, where nobody has tried the course yet: docs/elsewhere.md"
    )
    assert said.count("\n") == 1


def test_on_linux_itself_nothing_is_said(tmp_path, capsys):
    assert ask(tmp_path, DEBIAN) == 0
    assert capsys.readouterr().err == ""


def test_the_page_is_there():
    assert (COURSE / "docs/elsewhere.md").exists()
