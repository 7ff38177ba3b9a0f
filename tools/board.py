"""./course board: the room's board on the instructor's own machine, without a hub."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers import places
from helpers.errors import CourseError
from tools import setup

PORT = 8444


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./course board",
        description="A board for a room in which each learner has a machine of their own: it shows "
        "who is where, and who needs help. They join with ./course lab --board ADDRESS, and are "
        "asked first.",
    )
    add = parser.add_argument
    add("--port", type=int, default=PORT, help="where learners' machines ask (default: 8444)")
    add("--address", help="this machine's address in the room's network, if the guess is wrong")
    add("--clear", action="store_true", help="forget everything that the board knows, and stop")
    return parser


def main(words: list[str]) -> int:
    asked = arguments().parse_args(words)
    try:
        from tools.classroom import install

        install.for_board()
        from tools.classroom import certificate  # needs what was installed
        from tools.classroom.board import alone

        if asked.clear:
            there = alone.clear(alone.FOLDER)
            print("The board knows nothing any more." if there else "There is no board here.")
            return 0
        alone.run(alone.FOLDER, asked.address or certificate.address(), asked.port)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
    except setup.StepError as error:
        cause = error.cause or setup.SEE_LOG
        print(
            f"course: The board takes a package more: {cause}. The log: {setup.LOG}",
            file=sys.stderr,
        )
    except OSError as error:
        if error.filename:
            said = places.unwritable(Path(error.filename), error)
        else:
            said = f"port {asked.port} does not work ({error.strerror}): choose another, --port."
        print(f"course: The board cannot be opened, {said}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
