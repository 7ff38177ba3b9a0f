"""./course slides: make the slides, and say where they are."""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import sys
from pathlib import Path

from helpers import places
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import private_apt, setup, workspace
from tools.slides import deck

# Brings reveal.js as files; the package itself is for Sphinx, and is not used.
PACKAGE = "sphinx-revealjs==3.2.1"
PLACE = Path(sys.prefix) / "course-slides" / PACKAGE
BUNDLED = PLACE / "sphinx_revealjs/_static/revealjs"
INTO = COURSE / "build/slides"
CHAPTERS = ("00", "01", "02", "03", "04", "12")
REVEAL = ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")
HERE = Path(__file__).parent


def install() -> None:
    """Have reveal.js at hand. Errors: StepError, SetupError."""
    with private_apt.alone(PLACE.parent):
        if not (BUNDLED / "dist/reveal.js").is_file():
            setup.say("Installing reveal.js, some seconds ...")
            wanted = ["--target", str(PLACE), "--no-deps", PACKAGE]
            setup.install(Path(sys.executable), wanted, compiled=False)


def make(into: Path) -> list[Path]:
    """Make the slides of all chapters that have some. Result: their pages. Errors: OSError."""
    (into / "reveal").mkdir(parents=True, exist_ok=True)
    for name in REVEAL:
        shutil.copy(BUNDLED / name, into / "reveal")
    shutil.copy(HERE / "slides.css", into)
    pages, page = [], (HERE / "page.html").read_text("utf-8")
    for number in CHAPTERS:
        (chapter,) = (COURSE / "notebooks").glob(f"{number}_*.ipynb")
        made = "\n".join(deck.slides(chapter, json.loads(chapter.read_bytes())["cells"]))
        for name in set(re.findall(r'src="(images/[^"]*)"', made)):
            workspace.write(into / name, (chapter.parent / name).read_bytes())
        title = re.search(r"<h2>(.*?)</h2>", made)[1]
        pages.append(into / f"{chapter.stem}.html")
        text = page.replace("{TITLE}", title).replace("{SLIDES}", made)
        workspace.put(pages[-1], text.encode())
    links = "\n".join(f'<li><a href="{each.name}">{html.escape(each.stem)}</a>' for each in pages)
    head = page.partition("<body>")[0].replace("{TITLE}", "Slides")
    body = f'<body class="decks"><h1>Slides</h1><ul>{links}</ul></body></html>\n'
    workspace.put(into / "index.html", f"{head}{body}".encode())
    return pages


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./course slides",
        description="Make slides of chapters 00 to 04 and 12, of their pictures and predictions. "
        "They ask no other machine for anything. Arrow keys lead on, S shows your notes, F fills "
        "the screen, Esc shows all.",
    )
    parser.add_argument("--into", type=Path, default=INTO, help="where (default: build/slides)")
    into = parser.parse_args(words).into.resolve()
    try:
        install()
        make(into)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except setup.StepError as error:
        print(f"course: reveal.js: {error.cause or setup.SEE_LOG}", file=sys.stderr)
        return 1
    except OSError as error:
        where = places.unwritable(Path(error.filename or into), error)
        print(f"course: The slides cannot be made, {where}", file=sys.stderr)
        return 1
    print(f"Open {into / 'index.html'} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
