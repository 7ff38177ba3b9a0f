"""The rules that a reader of the course can rely on, checked on the files as stored."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys

import pytest
import stored

from chapters.ch00 import copies
from helpers import progress
from helpers.check import UNEXPECTED
from helpers.pictures import STYLE
from helpers.protocols import NUMBERS
from tools import shipped

EVERY = pytest.mark.parametrize("path", stored.NOTEBOOKS, ids=stored.name)
CHAPTERS = pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
HOUSE = ("helpers", "chapters", "tools")
MODULES = sorted(path for room in HOUSE for path in (stored.COURSE / room).rglob("*.py"))
BLOCK = re.compile(r"# chapter (\d\d): begin (\w+)\n(.*?)# chapter \1: end \2", re.DOTALL)


@EVERY
def test_it_is_stored_executed_and_clean(path):
    notebook = stored.read(path)
    cells = stored.code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags", "jupyter"} for cell in notebook.cells)
    folded = [cell.metadata["jupyter"] for cell in notebook.cells if "jupyter" in cell.metadata]
    assert all(each == {"source_hidden": True} for each in folded)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert path.stat().st_size < 500_000


@EVERY
def test_no_stored_error_that_is_not_meant(path):
    for cell in stored.code_cells(path):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        assert not errors or "raises-exception" in cell.metadata.get("tags", [])


@EVERY
def test_what_is_stored_is_one_of_the_outcomes_that_were_offered(path):
    assert UNEXPECTED not in path.read_text()


@EVERY
def test_code_cells_are_short(path):
    lengths = [len(cell.source.strip().split("\n")) for cell in stored.code_cells(path)]
    assert all(length <= 25 for length in lengths)
    assert not lengths or statistics.median(lengths) <= 10


@EVERY
def test_every_picture_has_alternative_text(path):
    for cell in stored.read(path).cells:
        for alternative, _ in re.findall(r"!\[(.*?)\]\((.*?)\)", cell.source):
            assert len(alternative) > 20
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                alternative = output.metadata.get("image/png", {}).get("alt", "")
                assert len(alternative) > 20
            for image in re.findall(r"<img[^>]*>", "".join(data.get("text/html", ""))):
                assert re.search(r'alt="[^"]{20,}"', image)


@EVERY
def test_local_links_lead_somewhere(path):
    for cell in stored.read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#\s]+)", cell.source):
                assert target.startswith("http") or (path.parent / target).exists(), target


@CHAPTERS
def test_a_chapter_opens_and_closes_as_promised(path):
    cells = [cell.source for cell in stored.read(path).cells if cell.cell_type == "markdown"]
    opening, closing = "\n".join(cells[:3]), "\n".join(cells[-2:])
    assert opening.startswith("# ")
    assert "In this chapter you will" in opening
    assert "minutes" in opening
    assert f"images/road_{path.name[:2]}.svg" in opening
    assert "You have" in closing
    assert "Sources" in closing


@CHAPTERS
def test_who_knows_a_chapter_already_finds_its_exercises(path):
    """The fast track: two or three of the chapter's own exercises, linked in its first cell."""
    opening = stored.read(path).cells[0].source
    (line,) = [each for each in opening.split("\n") if each.startswith("*Do you know this alr")]
    links = re.findall(r"\[exercise (\d)\]\(#(\S+?)\)", line)
    assert 2 <= len(links) <= 3
    known = {str(each.number): each.anchor for each in progress.exercises(path)}
    for number, anchor in links:
        assert anchor == known[number]
        assert anchor in stored.anchors(path)


def test_the_ledger_knows_what_lies_in_the_course_now():
    """If it does not: python -m tools.shipped adds it."""
    now = {
        (str(path.relative_to(shipped.STORED)), copies.fingerprint(path))
        for path in shipped.of_course(shipped.STORED)
    }
    assert len(now) > 30
    assert now <= shipped.versions()


def squeezed(text: str) -> str:
    """Code without indentation, blank lines and comments."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_helper_carries_what_its_chapter_built(module):
    for chapter, block, code in BLOCK.findall(module.read_text()):
        path = next(path for path in stored.CHAPTERS if path.name.startswith(chapter))
        cells = [squeezed(cell.source) for cell in stored.code_cells(path)]
        wanted = squeezed(code)
        assert any(wanted in cell for cell in cells), f"{block} is not in chapter {chapter}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_says_what_it_is(module):
    assert module.read_text().startswith('"""')


def test_every_protocol_with_a_name_has_a_look_of_its_own():
    looks = [STYLE[name] for name in ("TCP", "UDP", "ICMP", "ICMPv6")]
    assert len({look.color for look in looks}) == len(looks)
    assert set(STYLE) >= set(NUMBERS)


def test_no_file_names_the_folder_that_the_course_happens_to_lie_in():
    for path in stored.tracked():
        if path.is_file() and path.suffix not in {".png", ".pcap", ".xz"}:
            assert f"{stored.COURSE}/" not in path.read_text(), path


def test_ruff_has_no_complaint():
    command = [sys.executable, "-m", "ruff"]
    for check in (["check", "."], ["format", "--check", "."]):
        result = subprocess.run(
            [*command, *check], cwd=stored.COURSE, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout


def test_every_term_of_the_glossary_is_used_and_every_link_leads_to_one():
    glossary = stored.read(stored.COURSE / "notebooks" / "glossary.ipynb")
    text = "\n".join(cell.source for cell in glossary.cells)
    heads = [line[4:] for line in text.split("\n") if line.startswith("### ")]
    assert heads == sorted(set(heads), key=str.lower)
    terms = {head.replace(" ", "-") for head in heads}
    linked = set()
    for path in stored.CHAPTERS:
        for cell in stored.read(path).cells:
            linked |= set(re.findall(r"glossary\.ipynb#([\w-]+)", cell.source))
    assert linked == terms
