"""The checks and their hints, beyond the answers of tests/wrong: each hint is named there or here,
and whatever a learner hands in, a check answers."""

from __future__ import annotations

import ast
import itertools
import platform
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
import stored
from hints import hints

from chapters.ch01 import check as ch01
from chapters.ch03 import check as ch03
from chapters.ch05 import check as ch05
from chapters.ch06 import check as ch06
from chapters.ch07 import check as ch07
from chapters.ch08 import check as ch08
from chapters.ch08 import faults
from chapters.ch10 import check as ch10
from chapters.ch10 import seccomp
from chapters.ch12 import check as ch12
from chapters.ch12 import xdp
from helpers import capabilities, cbpf, check, syscall
from helpers.cbpf import Instruction
from helpers.syscall.call import NUMBERS
from helpers.toolchain import COURSE

EVERY = pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)


@cache
def own_hints(path: Path) -> list[list[str]]:
    """Those of a chapter's checks, and the ones that its faults bring."""
    number = path.name[:2]
    known = list(hints(COURSE / "chapters" / f"ch{number}" / "check.py"))
    return known + [[fault.hint] for fault in faults.FAULTS[1:] if number == "08"]


SHARED = list(hints(COURSE / "helpers" / "check.py"))


def names(words: str, hint: list[str]) -> bool:
    return any(words in piece for piece in hint)


@cache
def wrong_words(path: Path) -> list[str]:
    return [answer.words for answer in stored.answers(path) if answer.words]


def asserted(hint: list[str]) -> bool:
    """Whether a test of this file has the words of a hint, one piece of it at least."""
    pieces = [piece.strip() for piece in hint if len(piece.split()) >= 3]
    return any(piece in text for text in texts_here() for piece in pieces)


@cache
def texts_here() -> list[str]:
    nodes = ast.walk(ast.parse(Path(__file__).read_text()))
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


@EVERY
def test_each_hint_has_a_wrong_answer_that_names_it(path):
    """So that no two hints can change places: test_notebooks.py sees that the words are said."""
    unnamed = [
        hint
        for hint in own_hints(path)
        if not any(names(words, hint) for words in wrong_words(path)) and not asserted(hint)
    ]
    assert unnamed == []


@EVERY
def test_no_words_name_two_hints(path):
    for words in wrong_words(path):
        named = [hint for hint in own_hints(path) + SHARED if names(words, hint)]
        assert len(named) <= 1, words


def test_each_hint_of_all_chapters_is_named_in_one():
    every = [words for path in stored.CHAPTERS for words in wrong_words(path)]
    unnamed = [h for h in SHARED if not any(names(words, h) for words in every) and not asserted(h)]
    assert unnamed == []


class Contrary:
    """An object that refuses whatever it is asked."""

    def refuse(self, *arguments: object) -> object:
        raise RuntimeError(Contrary)

    __bool__ = __len__ = __iter__ = __eq__ = __lt__ = __hash__ = __contains__ = refuse
    __int__ = __float__ = __index__ = __str__ = __repr__ = __call__ = __getitem__ = refuse


class ContraryError(Exception):
    __str__ = __repr__ = Contrary.refuse


def raising(error: BaseException) -> Callable[..., object]:
    def function(*arguments: object) -> object:
        raise error

    return function


def odd_values() -> Iterator[object]:
    """What nobody should hand in, and somebody will."""
    yield from (True, 0, -1, 10**400, -(10**400), float("inf"), float("-inf"), float("nan"), 1j)
    yield from (numpy.int64(3), numpy.float32("nan"), numpy.bool_(True), numpy.array(7))
    yield from (numpy.zeros(3), numpy.zeros((2, 2)), numpy.array(["a", "b"]))
    yield from ("", " ", "98", "\ud800", "nul \0 in it", "x" * 5000, b"", b"\xff" * 8, b"\0" * 9)
    yield from ([], (), {}, set(), {"CAP_BPF", 1}, range(3), [None], [[]], {None: None}, {1: 2})
    yield from ("2606::1%x", "fe80::1%lo", "::ffff:0.0.0.6", "ARP", "\u0666")
    yield from (object(), Contrary(), int, len, print, lambda: None, Exception("no"), ...)
    yield from (itertools.count(), iter([Contrary()]), (n for n in "abc"), memoryview(b"ab"))
    yield from (raising(SystemExit(3)), raising(ContraryError()), raising(RecursionError("deep")))


def forms(value: object, keys: list[object]) -> Iterator[object]:
    """A value as it is, as what a function returns, and inside of others."""
    yield from (
        value,
        lambda *_: value,
        [value],
        (value, value),
        [value] * 3,
        dict.fromkeys(keys, value),
    )
    yield from (lambda *_: (value, value), lambda *_: [[value] * 3], lambda *_: [(value, "a", 1)])
    yield from (lambda *_: ("UDP", value), lambda *_: (1, value))


def cells(path: Path) -> Iterator[tuple[stored.Exercise, str, str]]:
    """Each exercise of a chapter, its cell as it is, and the line that checks it."""
    notebook = stored.read(path)
    for exercise in stored.exercises(notebook):
        line = notebook.cells[exercise.check].source.strip().splitlines()[-1]
        yield exercise, notebook.cells[exercise.cell].source, line


@pytest.mark.kernel
@EVERY
def test_a_check_answers_whatever_it_is_given(path, net, monkeypatch):
    monkeypatch.setattr(ch05, "talked", lambda: nullcontext({}))
    monkeypatch.setattr(ch10, "observed", lambda: {"open": (0, 22), "seccomp": (1, 1)})
    module = __import__(f"chapters.ch{path.name[:2]}.check", fromlist=["check"])
    for exercise, cell, line in cells(path):
        handed = re.findall(r"\w+", line.split("(", 1)[1])
        learners = set(re.findall(r"^(?:def )?(\w+)(?: \+?=|\()", cell, re.MULTILINE)) & {*handed}
        assert learners
        keys = [int(key) for key in re.findall(r"(\d+): None", cell)]
        keys += re.findall(r'"([^"\n]+)": None', cell)
        for name in sorted(learners):
            for odd in (odd for value in odd_values() for odd in forms(value, keys)):
                known = {"check": module, "net": net, "sock": None, "frame": bytes(range(98))}
                known |= {"counted": lambda protocol: 0, "grown": lambda action: {}}
                known |= {"half": HALF, "broken": HALF, "case": "key_size", "program": "x"}
                verdict = eval(line, known | {name: odd})
                assert verdict.status in check.SIGNS, (exercise.number, name)
                assert repr(verdict).startswith(("Not yet. ", "Not attempted yet. "))


HALF = bytes.fromhex("b700000063000000 9500000000000000")  # any program; it returns 99


def test_a_counter_that_does_not_grow_is_a_hint(net):
    verdict = ch03.counted_as_tcp("fd06::1", net, lambda action: {})
    assert repr(verdict) == "Not yet. The counter did not grow at all: run sections 2 to 4 again."


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (("Invalid argument", "works"), "This kernel takes a shorter one: ask for less."),
        (("Cannot allocate memory",), "The kernel says: Cannot allocate memory. Ask for less."),
    ],
)
def test_a_ring_buffer_that_this_kernel_cannot_make(monkeypatch, answers, said):
    given = iter(answers)
    monkeypatch.setattr(ch01.probes, "try_map", lambda *_: next(given))
    assert repr(ch01.ring_buffer((0, 0, 65536))) == f"Not yet. {said}"


def test_a_program_that_only_the_machine_gets_right(monkeypatch):
    code = bytes.fromhex("6110000000000000 07000000f2ffffff 9500000000000000")
    ran = SimpleNamespace(value=3)
    with monkeypatch.context() as changed:
        changed.setattr(ch07.syscall, "test_run", lambda *_: ran)
        said = repr(ch07.payload_length(code))
    assert said == "Not yet. The machine agrees, and the kernel returns [3, 3, 3, 3]."

    def refuse(code: bytes) -> None:
        raise syscall.SyscallError("no such helper", 22)

    monkeypatch.setattr(ch07.syscall, "load_program", refuse)
    said = repr(ch07.payload_length(code))
    assert said == "Not yet. The machine runs it, and the kernel says: no such helper"


def test_a_kernel_that_refuses_the_mended_program_too(monkeypatch):
    reference = SimpleNamespace(accepted=False, refusal=SimpleNamespace(reason="too old."))
    monkeypatch.setattr(ch08.clinic, "case", lambda *_, **__: nullcontext(reference))
    said = repr(ch08.mended("bounds", "int f(void) { return 0; }"))
    assert said == "Not yet. This kernel refuses every answer: too old."


def test_a_kernel_that_cannot_run_such_a_program_on_a_packet(monkeypatch):
    program = ch08.clinic.code("bounds", mended=True)
    monkeypatch.setattr(ch08, "runs", lambda reference: False)
    monkeypatch.setattr(ch08, "run", lambda *_: 1)
    said = repr(ch08.mended("bounds", program))
    assert said == "Right. The verifier takes it. (This kernel cannot run it on test packets.)"
    monkeypatch.setattr(ch08, "run", lambda *_: 0)
    said = repr(ch08.mended("bounds", program))
    assert said.endswith("but it drops packets: let them pass, with a 1.")


NO_PINGS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;

    if (%s)
        return XDP_PASS;
    return frame[12] == 8 && frame[13] == 0 && frame[23] == 1 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""
COMPARED = "frame + 24 > (__u8 *)(long)context->data_end"
BY_LENGTH = "context->data_end - context->data < 24"  # right, and no proof to the verifier


@pytest.mark.parametrize("length", [COMPARED, BY_LENGTH])
def test_an_xdp_program_that_may_not_be_loaded_runs_in_the_machine(monkeypatch, length):
    monkeypatch.setattr(xdp, "may_load", lambda: False)
    said = repr(ch12.no_pings(NO_PINGS % length))
    assert said.startswith("Right. Chapter 07's machine ran it on frames of every length.")
    assert xdp.run(NO_PINGS % length, ch12.PING) == "XDP_DROP (in chapter 07's machine)"


privileged = pytest.mark.skipif(
    not {"CAP_BPF", "CAP_NET_ADMIN"} <= set(capabilities.held()),
    reason="needs CAP_BPF and CAP_NET_ADMIN, to load XDP programs",
)


@privileged
@pytest.mark.kernel
def test_an_xdp_program_that_proves_nothing_is_refused_by_the_kernel():
    said = repr(ch12.no_pings(NO_PINGS % BY_LENGTH))
    assert said.startswith("Not yet. It does the right thing, but cannot prove it. ")


@privileged
@pytest.mark.kernel
def test_kernel_and_machine_give_one_answer_to_a_frame():
    with xdp.compiled(NO_PINGS % COMPARED) as path, xdp.in_kernel(path) as program:
        for frame in [ch12.PING[:length] for length in range(14, 98)] + [ch12.DATAGRAM, ch12.SIX]:
            ran = ch12.syscall.test_run(program, frame).value
            assert ran == xdp.in_machine(path).run(frame), len(frame)


def test_an_xdp_program_that_calls_what_the_machine_has_not(monkeypatch):
    monkeypatch.setattr(xdp, "may_load", lambda: False)
    calling = NO_PINGS % "frame && bpf_get_prandom_u32() > 9"
    assert repr(ch12.no_pings(calling)).startswith("Not yet. Only the kernel could run it. ")


def test_an_xdp_program_from_which_too_little_comes_out(monkeypatch):
    monkeypatch.setattr(xdp, "may_load", lambda: True)
    monkeypatch.setattr(xdp, "in_kernel", lambda _: nullcontext(SimpleNamespace(fd=0)))
    answers = iter([1, 2, 2])
    monkeypatch.setattr(ch12.syscall, "test_run", lambda *_: SimpleNamespace(value=next(answers)))
    monkeypatch.setattr(ch12, "_through", lambda _: [ch12.SIX])
    said = repr(ch12.no_pings(NO_PINGS % COMPARED))
    assert said == "Not yet. On a cable 1 of three frames got through: two are to."


@pytest.mark.parametrize("given", [None, "\0"])
def test_an_exercise_about_xdp_wants_a_text(given):
    assert repr(ch12.no_pings(given)).endswith(("as text between quotes.", "text between quotes."))


def test_a_filter_that_only_the_machine_takes(monkeypatch):
    behind = SimpleNamespace(stdout="")
    monkeypatch.setattr(ch10.seccomp, "behind", lambda *_: behind)
    monkeypatch.setattr(ch10.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout="0 22"))
    here, number = seccomp.ARCHITECTURES[platform.machine()], NUMBERS[platform.machine()]
    guard = [
        Instruction(0x20, k=4),
        Instruction(0x15, jt=1, k=here),
        Instruction(0x06, k=seccomp.KILL_PROCESS),
    ]
    said = repr(ch10.guard(cbpf.encode(guard) + seccomp.refuse(number)))
    assert said == (
        "Not yet. The machine takes it, but behind it bpf(2) is not refused with EPERM."
    )


def test_a_notebook_without_bpf_of_its_own(monkeypatch):
    monkeypatch.setattr(ch10, "observed", lambda: {"open": (1, 22)})
    said = repr(ch10.gate(lambda *_: "open"))
    assert said == "Not yet. This notebook may not use BPF itself: start it with ./course lab."


@pytest.mark.parametrize(
    ("prediction", "answer", "said"),
    [
        ("(B) ", "b", "You said (b), and so it is: why"),
        ("a", "b", "You said (a); what happened is (b): why"),
        (1j, "b", "You said (1j); what happened is (b): why"),
        (None, "b", "What happened is (b): why"),
        (
            "a",
            None,
            "Something else happened, and that is worth a look. Then choose Kernel, "
            "Restart Kernel and Run All Cells.",
        ),
    ],
)
def test_a_prediction_is_compared(capsys, prediction, answer, said):
    check.compare(prediction, answer, "why")
    assert capsys.readouterr().out == f"{said}\n"


def test_what_cannot_be_shown_is_told():
    assert check.shown(Contrary()) == "a Contrary that cannot be shown"
    _, failure = check.called(raising(ContraryError()))
    assert repr(failure) == "Not yet. It stops with ContraryError: it does not say why."


def test_a_function_that_does_not_return_is_left(monkeypatch):
    """And whoever has set an alarm before has it afterwards, as pytest's time limit."""
    monkeypatch.setattr(check, "SECONDS", 0.05)
    before = signal.getsignal(signal.SIGALRM)

    def endless() -> None:
        while True:
            pass

    _, failure = check.called(endless)
    assert "after 0.05 s it had not returned, as in a loop without end." in repr(failure)
    assert signal.getsignal(signal.SIGALRM) is before
    assert check.called(lambda: 7) == (7, None)


@pytest.mark.parametrize("said", ["Classic BPF", " classic  bpf. ", "CLASSIC BPF."])
def test_a_word_is_a_word(said):
    assert check.as_word(said) == "classic bpf"


@pytest.mark.parametrize("answer", [["CAP_BPF"], "CAP_BPF", {"CAP_BPF"}, None])
def test_three_processes_want_three_names(net, answer):
    assert repr(ch10.least(answer, net)).startswith("Not yet. Give a set for each of the three")


@pytest.mark.parametrize("answer", [[], {}, {"open"}])
def test_a_gate_that_is_no_name_is_told(monkeypatch, answer):
    monkeypatch.setattr(ch10, "observed", lambda: {"open": (0, 22), "seccomp": (1, 1)})
    assert repr(ch10.gate(lambda *_: answer)) == f"Not yet. For done and EINVAL it says {answer!r}."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, b""),
        (" ", b""),
        ("01 ff\n0203", b"\x01\xff\x02\x03"),
        ("01 0x2", "'0x2' is no hex: write 0 to 9 and a to f, without 0x and commas."),
        ("01 f", "'f' has a digit too few or too many: a byte has two."),
    ],
)
def test_hex_as_it_is_written(text, found):
    assert ch06.from_hex(text) == found
