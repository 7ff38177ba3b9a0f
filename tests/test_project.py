"""What an open project has: the files are there, agree with each other, and lead somewhere."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import captures
import pytest
import yaml
from stored import COURSE, NOTEBOOKS, tracked

from tools import marked

FILES = (
    "LICENSE",
    "LICENSES/MIT.txt",
    "LICENSES/GPL-2.0-only.txt",
    "LICENSES/CC-BY-4.0.txt",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
    ".github/pull_request_template.md",
    ".github/workflows/ci.yml",
)
PAGES = sorted(
    path for top in (".", "docs/**", ".github/**") for path in COURSE.glob(f"{top}/*.md")
)
SPDX = re.compile(r"^// SPDX-License-Identifier: (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def text(name: str) -> str:
    return (COURSE / name).read_text()


def project(field: str) -> str:
    """A field of pyproject.toml that stands on one line."""
    return re.search(rf'^{field} = "(.*?)"', text("pyproject.toml"), re.MULTILINE)[1]


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_there(name):
    assert COURSE / name in tracked()
    assert len(text(name).splitlines()) > 10


def test_the_citation_is_whole_and_names_this_version():
    citation, version = yaml.safe_load(text("CITATION.cff")), project("version")
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == "Packet tracing with BPF"
    assert citation["authors"] == [{"name": "The authors of Packet tracing with BPF"}]
    assert citation["version"] == version
    assert isinstance(citation["date-released"], datetime.date)
    assert f"\n## [{version}] - {citation['date-released']}\n" in text("CHANGELOG.md")


def test_the_changelog_has_the_newest_first():
    heads = re.findall(r"^## \[(.+?)\](?: - (.+))?$", text("CHANGELOG.md"), re.MULTILINE)
    assert heads[0] == ("Unreleased", "")
    released = [(tuple(map(int, name.split("."))), date) for name, date in heads[1:]]
    assert released == sorted(released, reverse=True)
    assert all(datetime.date.fromisoformat(date) for _, date in released)


def anchors(page: Path) -> set[str]:
    """What a code host calls the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(COURSE)))
def test_links_lead_somewhere_and_pictures_have_alternative_text(page):
    content = page.read_text()
    for target in LINK.findall(FENCE.sub("", content)):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        aim = page.parent / name if name else page
        assert aim.exists(), target
        assert not anchor or anchor in anchors(aim), target
    assert all(len(alternative) > 20 for alternative in re.findall(r"!\[(.*?)\]\(", content))


def test_the_readme_begins_with_the_two_commands_and_fits_two_screens():
    readme = text("README.md")
    lines = readme.splitlines()
    assert len(lines) <= 100
    code = [line for line in lines if line.startswith("    ")]
    assert [line.split("  ")[2].strip() for line in code] == ["./course lab", "./course test"]
    assert "```" not in readme
    assert len(re.findall(r"!\[", readme)) == 1
    pages = {f"docs/{path.name}" for path in (COURSE / "docs").glob("*.md")}
    assert pages <= set(LINK.findall(readme))


def test_the_readme_names_every_notebook():
    names = {path.name for path in NOTEBOOKS}
    assert {f"notebooks/{name}" for name in names} <= set(LINK.findall(text("README.md")))


def test_bpf_is_under_the_licence_that_the_text_names():
    sources = list((COURSE / "bpf").rglob("*.[ch]"))
    unnamed = {path for path in sources if not SPDX.match(path.read_text())}
    assert unnamed == set((COURSE / "bpf").glob("*_bcc.c")) != set()
    assert {SPDX.match(path.read_text())[1] for path in {*sources} - unnamed} == {"GPL-2.0"}
    licence = " ".join(text("LICENSE").split())
    assert "GPL-2.0-only (LICENSES/GPL-2.0-only.txt) The C programs in bpf/" in licence
    assert "that end in _bcc.c have no such line" in licence
    assert {path.suffix for path in (COURSE / "bpf").rglob("*") if path.is_file()} <= {".c", ".h"}


def test_every_licence_that_is_named_is_there_and_no_other():
    named = set(re.findall(r"^([\w.-]+) \(LICENSES/\1\.txt\)$", text("LICENSE"), re.MULTILINE))
    assert named == {path.stem for path in (COURSE / "LICENSES").iterdir()}
    assert set(project("license").split(" AND ")) == named
    holder = "the authors of Packet tracing with BPF"
    assert holder in text("LICENSE") and holder in text("LICENSES/MIT.txt")


def test_the_code_host_runs_what_everybody_runs():
    workflow = text(".github/workflows/ci.yml")
    jobs = yaml.safe_load(workflow)["jobs"].values()
    assert ".ci/run" in [step.get("run") for job in jobs for step in job["steps"]]
    assert "UNTRIED" in workflow


def test_the_templates_are_what_a_code_host_reads():
    for path in (COURSE / ".github/ISSUE_TEMPLATE").glob("*.md"):
        front = yaml.safe_load(path.read_text().split("---\n")[1])
        assert set(front) == {"name", "about"}, path


def test_the_table_of_captures_has_every_kind_and_no_difference():
    rows = marked.part(COURSE / "docs" / "captures.md", "captures").splitlines()[4:]
    cells = [row[2:-2].split(" | ") for row in rows]
    assert [name for name, _, _ in cells] == list(captures.FILES)
    assert all(ours == theirs for _, ours, theirs in cells)
