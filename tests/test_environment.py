"""environment.yml keeps in step with pyproject.toml; the environment is finished as promised."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import get_kernel_spec

from tools import environment, render

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COURSE = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]
SCHEMAS = Path(sys.prefix) / "share/jupyter/lab/schemas"


def conda_dependencies() -> list[str]:
    """The list of environment.yml, which is plain enough to be read without a YAML parser."""
    _, listed = (COURSE / "environment.yml").read_text().split("\ndependencies:\n")
    return re.findall(r"^  - (\S+)$", listed, re.MULTILINE)


def test_conda_gets_the_versions_of_pyproject():
    python = f"python{PROJECT['requires-python']}"
    newest = [wanted for wanted in PROJECT["dependencies"] if "python_version <" not in wanted]
    assert conda_dependencies() == [python, "pip", *(wanted.split(";")[0] for wanted in newest)]


def test_every_dependency_is_pinned():
    for wanted in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]:
        assert re.search(r"~=\d+\.\d+\.\d+$|<\d+\.\d+$", wanted.split(";")[0]), wanted


def test_nobody_is_sent_to_the_bcc_of_pypi():
    names = [re.match(r"[\w-]+", wanted)[0] for wanted in PROJECT["dependencies"]]
    assert "bcc" not in names + conda_dependencies()
    assert "On PyPI `bcc` is an unrelated package" in (COURSE / "environment.yml").read_text()


@pytest.mark.parametrize("plugin", environment.SETTINGS)
def test_jupyterlab_knows_the_settings(plugin):
    name, _, setting = plugin.partition(":")
    schema = json.loads((SCHEMAS / name / f"{setting}.json").read_text())
    for key, value in environment.SETTINGS[plugin].items():
        known = schema["properties"][key]
        allowed = [choice["const"] for choice in known.get("oneOf", [])] or [True, False]
        assert value in allowed
        assert value != known["default"]


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """Somewhere like /usr/lib, with bcc in it."""
    folder = tmp_path / "lib/python3/dist-packages/bcc"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "table.py"):
        (folder / name).write_text("# the distribution's")
    return tmp_path / "lib"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Somewhere like .venv/lib/python3.11/site-packages."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


def test_bcc_is_linked_and_linked_again(distribution, packages):
    for _ in range(2):
        environment.link_bcc(packages, distribution)
        assert environment.is_linked(packages)
        assert (packages / "bcc/table.py").read_text() == "# the distribution's"


def test_what_pip_writes_does_not_reach_the_distribution(distribution, packages):
    (packages / "bcc").symlink_to(
        distribution / "python3/dist-packages/bcc"
    )  # as one would by hand
    environment.link_bcc(packages, distribution)
    (packages / "bcc/__init__.py").unlink()  # as pip does before it writes
    (packages / "bcc/__init__.py").write_text("# PyPI's")
    assert not environment.is_linked(packages)
    original = distribution / "python3/dist-packages/bcc/__init__.py"
    assert original.read_text() == "# the distribution's"


def test_the_bcc_of_pypi_is_named_and_left_alone(distribution, packages):
    (packages / "bcc").mkdir()
    (packages / "bcc/__init__.py").write_text("# PyPI's")
    with pytest.raises(environment.SetupError, match="nothing to do with BPF.*pip uninstall bcc"):
        environment.link_bcc(packages, distribution)
    assert (packages / "bcc/__init__.py").read_text() == "# PyPI's"


def test_a_distribution_without_bcc(tmp_path, packages):
    with pytest.raises(environment.SetupError, match="install python3-bpfcc"):
        environment.link_bcc(packages, tmp_path)


@pytest.fixture
def prefix(tmp_path, monkeypatch, distribution, packages) -> Path:
    """An environment that finish() may write to, made for a copy of the course."""
    copy = tmp_path / "course"
    copy.mkdir()
    (copy / "pyproject.toml").write_text("version = 1")
    monkeypatch.setattr(environment, "COURSE", copy)
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda name: str(packages))
    monkeypatch.setattr(environment.link_bcc, "__defaults__", (distribution,))
    kernels = Path("share/jupyter/kernels")
    shutil.copytree(Path(sys.prefix) / kernels, tmp_path / "venv" / kernels)
    return tmp_path / "venv"


def test_it_is_ready_when_finished_and_no_longer_when_the_course_changes(prefix):
    assert not environment.is_ready(prefix, "lab")
    environment.finish(prefix, "test")
    assert environment.is_ready(prefix, "lab")
    assert environment.is_ready(prefix, "test")
    stored = json.loads((prefix / "share/jupyter/lab/settings/overrides.json").read_text())
    assert stored == environment.SETTINGS
    (environment.COURSE / "pyproject.toml").write_text("version = 2")
    assert not environment.is_ready(prefix, "lab")


def test_an_environment_for_the_lab_is_not_one_for_the_tests(prefix):
    environment.finish(prefix, "lab")
    assert environment.is_ready(prefix, "lab")
    assert not environment.is_ready(prefix, "test")


@pytest.mark.parametrize(("asked", "held"), [(False, "False False"), (True, "True True")])
def test_a_kernel_has_a_debugger_if_asked(asked, held, monkeypatch, tmp_path):
    """And whoever imports it themselves has it all the same."""
    if asked:
        monkeypatch.setenv("JUPYTER_PATH", str(environment.with_debugger(Path(sys.prefix))))
    assert get_kernel_spec("python3").metadata["debugger"] is asked
    held_by = "import sys; ours = get_ipython().kernel; "
    held_by += "print('pydevd' in sys.modules, hasattr(ours, 'debugger'))"
    cells = [nbformat.v4.new_code_cell(each) for each in (held_by, "import debugpy")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    render.execute(notebook, tmp_path)
    (said,) = notebook.cells[0].outputs
    assert said.text == f"{held}\n"
