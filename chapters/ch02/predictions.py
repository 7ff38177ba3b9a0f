"""What is compared with the predictions of chapter 02, compile_the_sample."""

from __future__ import annotations

from helpers.check import compare


def share(prediction: str | None, part: float) -> None:
    """The program's part of the object file, 0 to 1."""
    letter = "a" if part > 0.75 else "b" if part > 0.25 else "c"
    compare(prediction, letter, f"{part:.1%} of the file; most of the rest describes it.")


def careless(prediction: str | None, refused: str | None) -> None:
    """Who refuses the program without its question: "clang", "the kernel" or None."""
    letters = {"clang": "a", None: "b", "the kernel": "c"}
    compare(
        prediction, letters.get(refused), "clang has no complaint; the kernel refuses to load it."
    )
