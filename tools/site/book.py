"""The chapters as a site to read: Jupyter Book, from the notebooks as they are stored.

Laboratory equipment. Nothing is executed: the outputs are those of the stored run. Each page has a
link that opens its chapter on the Linux in a page, and the notebook to download.
Source: Jupyter Book 1's documentation; docutils: what becomes of a name that is an id.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.toolchain import COURSE
from tools import marked, package_sources, setup
from tools.debian.roots import tracked
from tools.private_apt import alone
from tools.site import guest, runs
from tools.site.parts import SiteError

BOOK = ("jupyter-book==1.0.*",)
CONFIGURATION = """\
title: Packet tracing with BPF
author: the authors of Packet tracing with BPF
only_build_toc_files: true
execute:
  execute_notebooks: "off"
repository:
  url: ""
html:
  use_issues_button: false
  use_repository_button: false
  home_page_in_navbar: true
  extra_footer: ""
launch_buttons:
  notebook_interface: classic
sphinx:
  config:
    html_show_copyright: false
    myst_heading_anchors: 4
    nb_ipywidgets_js: {}
    suppress_warnings: ["mystnb.unknown_mime_type", "myst.header", "myst.xref_missing"]
"""
WHAT_RUNS = """\
# What runs here

Each chapter can be opened on the Linux in a page. What a run of the tests saw there:
"""
NOTEBOOK = re.compile(r"notebooks/[^/]+\.ipynb")
LINK = re.compile(r"\]\(([\w.]*)#([^)]+)\)")
THEBE = re.compile(r"<script(?:(?!</script>).)*thebe(?:(?!</script>).)*</script>", re.DOTALL)
SOURCE = re.compile(r"\]\(\.\./(bpf|helpers|chapters)/")


def environment(folder: Path) -> Path:
    """An environment with Jupyter Book, from the cache or made now."""
    target = folder / f"book-{guest.key(BOOK)}"
    if not (target / "whole").is_file():
        print("Jupyter Book from PyPI ...", flush=True)
        with alone(folder):
            setup.remove(target)
            command = [sys._base_executable, "-m", "venv", "--without-pip", target]
            setup.execute(command, package_sources.without_how({}))
            setup.install(target / "bin/python", BOOK, compiled=False)
            (target / "whole").touch()
    return target


def page(name: str) -> bytes:
    """A notebook as Jupyter Book gets it: with a line of links, and its anchors as there."""
    notebook = json.loads((COURSE / "notebooks" / name).read_bytes())
    links = (
        f'<p><a href="../lab/lab/index.html?path={name}">Run this chapter in your browser</a> '
        f'(<a href="what_runs_here.html">what runs there</a>), or '
        f'<a href="_sources/{name}" download="{name}">download its notebook</a>.</p>\n\n'
    )
    first = True
    for cell in notebook["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        text = LINK.sub(lambda found: f"]({found[1]}#{anchor(found[2])})", "".join(cell["source"]))
        text = SOURCE.sub(r"](../lab/files/\1/", text)
        if first and name != "glossary.ipynb":
            title, _, rest = text.partition("\n")
            text = f"{title}\n\n{links}{rest}"
        first = False
        cell["source"] = text.splitlines(keepends=True)
    return json.dumps(notebook).encode()


def anchor(heading: str) -> str:
    """What becomes of JupyterLab's name of a heading: letters, digits and hyphens, no capitals."""
    return re.sub(r"[^\w-]", "", heading.lower())


def finish(made: Path) -> None:
    """Take away what would ask other hosts, and let links to sources lead to the copies in lab/."""
    for file in made.glob("*.html"):
        text = THEBE.sub("", file.read_text("utf-8"))
        file.write_text(text.replace('href="#../lab/', 'href="../lab/'), "utf-8")


def chapters() -> list[str]:
    """The notebooks by name, in the order in which they are read."""
    names = sorted(Path(name).name for name in tracked() if NOTEBOOK.fullmatch(name))
    return [name for name in names if name[0].isdigit()] + [
        name for name in names if not name[0].isdigit()
    ]


def build(folder: Path, scratch: Path, target: Path) -> None:
    """The chapters, to read, into a new folder. scratch: a folder to work in. Errors: SiteError."""
    python = environment(folder) / "bin/python"
    names = chapters()
    source = scratch / "source"
    shutil.copytree(COURSE / "notebooks/images", source / "images")
    for name in names:
        (source / name).write_bytes(page(name))
    table = marked.part(runs.PAGE, runs.PART)
    (source / "what_runs_here.md").write_text(f"{WHAT_RUNS}\n{table}\n", "utf-8")
    (source / "_config.yml").write_text(CONFIGURATION)
    lines = ["format: jb-book", f"root: {names[0].removesuffix('.ipynb')}", "chapters:"]
    lines += [f"- file: {name.removesuffix('.ipynb')}" for name in names[1:]]
    lines.append("- file: what_runs_here")
    (source / "_toc.yml").write_text("\n".join(lines) + "\n")
    log = scratch / "log"
    command = [python.with_name("jupyter-book"), "build", source, "--path-output", scratch]
    environ = package_sources.without_how(os.environ)
    with log.open("w") as said:
        result = subprocess.run(command, cwd=scratch, stdout=said, stderr=said, env=environ)
    made = scratch / "_build/html"
    if result.returncode or not (made / "glossary.html").is_file():
        raise SiteError(f"The book was not built: {log.read_text().strip()[-300:]}")
    finish(made)
    made.rename(target)
