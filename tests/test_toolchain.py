"""clang's part of the road, and everything that can go wrong on it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import complaints, objfile, toolchain
from helpers.toolchain import CompileError, compile_bpf


def one_sentence(error: BaseException) -> str:
    """The message's first line, which must be one sentence; what follows is clang's excerpt."""
    sentence = str(error).splitlines()[0]
    assert sentence.endswith("."), sentence
    assert not re.search(r"[.!?] +[A-Z]", sentence), sentence
    return sentence


def refused(source: Path | str, output: Path, options: tuple[str, ...] = ()) -> str:
    """compile_bpf refuses, leaves the folder of the output as it was, and says why."""
    there = output.parent.is_dir()
    before = sorted(output.parent.iterdir()) if there else None
    with pytest.raises(CompileError) as caught:
        compile_bpf(source, output, options)
    if there:
        assert sorted(output.parent.iterdir()) == before
    return one_sentence(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "out"
    found.mkdir()
    return found


def write(folder: Path, text: str, name: str = "broken.c") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_every_program_of_the_course_compiles_without_a_warning(tmp_path):
    for source in toolchain.SOURCES.glob("*_kern.c"):
        compile_bpf(source, tmp_path / "out.o", ["-Werror"])


def test_every_object_is_for_the_oldest_kernel_that_is_promised(tmp_path):
    """Whatever clang takes if nothing is said: no jump that looks at half a register (Linux 5.1),
    and no atomic operation that gives back what was there (5.12)."""
    for source in toolchain.SOURCES.glob("*_kern.c"):
        for program in objfile.read(compile_bpf(source, tmp_path / "out.o")).programs.values():
            for each in program.instructions:
                assert each.opcode & 0x07 != 0x06, (source.name, program.name)  # BPF_JMP32
                atomic = each.opcode in (0xC3, 0xDB)  # BPF_STX | BPF_ATOMIC, of 4 and 8 bytes
                assert not (atomic and each.imm & 0x01), (source.name, program.name)  # BPF_FETCH


def test_a_bare_name_goes_from_bpf_to_build():
    assert compile_bpf("sockex1_kern.c") == toolchain.BUILD / "sockex1_kern.o"


def test_the_result_is_a_bpf_object_in_a_folder_with_any_name(tmp_path):
    output = compile_bpf("sockex1_kern.c", tmp_path / "mit Leerzeichen é" / "ein objekt.o")
    assert list(objfile.read(output).programs) == ["count_bytes"]
    assert list(output.parent.iterdir()) == [output]


def test_options_come_last_and_win(tmp_path):
    output = compile_bpf("sockex1_kern.c", tmp_path / "a.o", ["-g0"])
    assert ".BTF" not in objfile.read(output).sections


def test_clang_is_missing(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    message = refused("sockex1_kern.c", folder / "a.o")
    assert "clang is not installed" in message
    assert "./course lab" in message


def test_an_object_that_was_made_before_serves_an_unchanged_source_without_clang(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(toolchain, "MADE_BEFORE", tmp_path / "made_before")
    source = tmp_path / "mine.c"
    source.write_text("int one;\n")
    made = toolchain.made_before(source)
    made.parent.mkdir()
    made.write_bytes(b"an object")
    monkeypatch.setenv("PATH", str(tmp_path))
    output = tmp_path / "new folder" / "mine.o"
    assert toolchain.compile_bpf(source, output).read_bytes() == b"an object"
    assert toolchain.made_before(source, ["-DONE"]) != made
    source.write_text("int two;\n")
    with pytest.raises(toolchain.CompileError, match="clang is not installed"):
        toolchain.compile_bpf(source, output)


@pytest.mark.parametrize(("machine", "name"), [("i686", "i386"), ("aarch64", "aarch64")])
def test_headers_lie_where_debian_has_them(tmp_path, monkeypatch, machine, name):
    monkeypatch.setattr(toolchain, "HEADERS", tmp_path)
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(machine=machine))
    assert toolchain.include_options() == []
    (tmp_path / f"{name}-linux-gnu").mkdir()
    assert toolchain.include_options() == ["-idirafter", str(tmp_path / f"{name}-linux-gnu")]


def test_no_such_c_file_names_those_that_there_are(folder):
    message = refused("sockex2_kern.c", folder / "a.o")
    assert "sockex2_kern.c" in message
    assert "sockex1_kern.c" in message


def test_a_folder_is_no_c_file(folder):
    assert "There is no C file" in refused(folder, folder / "a.o")


def test_a_syntax_error_names_the_line_and_shows_it(tmp_path, folder):
    source = write(tmp_path, "int f(void)\n{\n\treturn 1 +;\n}\n")
    message = refused(source, folder / "a.o")
    assert "broken.c" in message
    assert "line 3" in message
    with pytest.raises(CompileError) as caught:
        compile_bpf(source, folder / "a.o")
    assert "return 1 +;" in str(caught.value)
    assert "1 error" in caught.value.log


def test_an_error_in_a_header_names_the_header(tmp_path, folder):
    write(tmp_path, "int broken(;\n", "mine.h")
    source = write(tmp_path, '#include "mine.h"\n')
    assert refused(source, folder / "a.o").startswith("mine.h does not compile: look at line 1")


def test_a_source_that_is_not_utf8(tmp_path, folder):
    source = tmp_path / "latin1.c"
    source.write_bytes(b"int caf\xe9 = ;\n")
    assert "line 1" in refused(source, folder / "a.o")


def test_a_misspelt_header(tmp_path, folder):
    source = write(tmp_path, "#include <linux/no_such_header.h>\n")
    message = refused(source, folder / "a.o")
    assert "linux/no_such_header.h" in message
    assert "check its name" in message


@pytest.mark.parametrize(
    ("header", "package"), [("bpf/bpf_helpers.h", "libbpf-dev"), ("asm/types.h", "linux-libc-dev")]
)
def test_a_header_of_a_missing_package(tmp_path, folder, monkeypatch, header, package):
    monkeypatch.setattr(complaints, "HEADERS", tmp_path / "empty")
    source = write(tmp_path, f"#include <{header}>\n")
    message = refused(source, folder / "a.o", ("-nostdinc",))
    assert header in message
    assert package in message


def test_the_output_folder_is_a_file(tmp_path):
    write(tmp_path, "", "file")
    with pytest.raises(CompileError) as caught:
        compile_bpf("sockex1_kern.c", tmp_path / "file" / "a.o")
    assert "cannot be written" in one_sentence(caught.value)


def test_the_output_is_a_folder(folder):
    (folder / "a.o").mkdir()
    assert "cannot be written" in refused("sockex1_kern.c", folder / "a.o")


def test_a_file_system_that_cannot_be_written():
    with pytest.raises(CompileError) as caught:
        compile_bpf("sockex1_kern.c", "/proc/course/a.o")
    assert "cannot be written" in one_sentence(caught.value)


def test_a_folder_without_permission(folder):
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):  # root may write anywhere: then it has to work
        assert compile_bpf("sockex1_kern.c", folder / "a.o").is_file()
    else:
        assert "cannot be written" in refused("sockex1_kern.c", folder / "a.o")


@pytest.mark.parametrize("options", [("--no-such-option",), ("-mcpu=v99",)])
def test_an_option_that_clang_does_not_know(folder, options):
    assert "check its options" in refused("sockex1_kern.c", folder / "a.o", options)


def test_a_stack_that_is_too_deep(tmp_path, folder):
    source = write(tmp_path, "int f(int i) { volatile char x[600]; x[i] = 1; return x[i + 1]; }\n")
    assert "stack" in refused(source, folder / "a.o").lower()


def test_another_locale_changes_nothing(tmp_path, folder, monkeypatch):
    source = write(tmp_path, "int f(void) { return x; }\n")
    before = refused(source, folder / "a.o")
    for variable, value in {"LC_ALL": "ja_JP.UTF-8", "LANG": "de_DE", "LANGUAGE": "ja:de"}.items():
        monkeypatch.setenv(variable, value)
    assert refused(source, folder / "a.o") == before
    assert compile_bpf("sockex1_kern.c", folder / "b.o").is_file()


def test_a_failure_leaves_the_earlier_object_alone(tmp_path, folder):
    output = compile_bpf("sockex1_kern.c", folder / "a.o")
    before = output.read_bytes()
    refused(write(tmp_path, "int f(;\n"), output)
    assert output.read_bytes() == before
