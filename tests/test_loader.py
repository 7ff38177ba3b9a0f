"""Loading: what is in a loaded object, and one sentence for each way in which it can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from unwelcome import without_bpf

from helpers import counters, loader, toolchain

pytestmark = pytest.mark.kernel

SOURCE = (toolchain.SOURCES / "sockex1_kern.c").read_text()
OLD_MAP = """
struct bpf_map_def { unsigned int type, key_size, value_size, max_entries, map_flags; };
struct bpf_map_def SEC("maps") bytes_by_protocol = { 2, 4, 8, 256, 0 };
"""


def refused(path: Path) -> str:
    """The sentence with which an object is refused."""
    with pytest.raises(loader.LoadError) as caught:
        loader.load(path)
    return str(caught.value)


@pytest.fixture
def compiled(tmp_path):
    """Compile a changed sockex1: compiled(old, new, options)."""

    def compile_changed(old: str = "", new: str = "", options: tuple[str, ...] = ()) -> Path:
        source = tmp_path / "changed_kern.c"
        assert old in SOURCE
        source.write_text(SOURCE.replace(old, new))
        return toolchain.compile_bpf(source, tmp_path / "changed_kern.o", options)

    return compile_changed


def test_it_knows_its_programs_and_maps(sockex1):
    assert list(sockex1.programs) == ["count_bytes"]
    found = sockex1.map("bytes_by_protocol")
    assert (found.type, found.key_size, found.value_size, found.max_entries) == (2, 4, 8, 256)


def test_a_name_that_is_not_there_is_answered_with_those_that_are(sockex1):
    with pytest.raises(loader.LoadError, match="no program 'count'.* it has: count_bytes"):
        sockex1.program("count")
    with pytest.raises(loader.LoadError, match="no map 'bytes'.* it has: bytes_by_protocol"):
        sockex1.map("bytes")


def test_a_key_of_another_size_is_refused_before_the_kernel_reads_past_it(sockex1):
    with pytest.raises(loader.LoadError, match="has 4 bytes, this one has 2"):
        sockex1.map("bytes_by_protocol").lookup(b"\x06\x00")


def test_a_key_that_is_not_in_the_map(sockex1):
    with pytest.raises(KeyError):
        sockex1.map("bytes_by_protocol").lookup(b"\xff\xff\x00\x00")


def test_a_file_that_is_not_there(tmp_path):
    assert "compile it first" in refused(tmp_path / "none.o")


@pytest.mark.parametrize("content", [b"", b"hello", Path("/bin/true").read_bytes()])
def test_a_file_that_is_no_bpf_object(tmp_path, content):
    (tmp_path / "other.o").write_bytes(content)
    assert "not a whole BPF object file" in refused(tmp_path / "other.o")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_object(sockex1_object, tmp_path, part):
    whole = sockex1_object.read_bytes()
    (tmp_path / "cut.o").write_bytes(whole[: int(len(whole) * part)])
    assert "not a whole BPF object file" in refused(tmp_path / "cut.o")


def test_the_old_way_to_define_a_map(compiled):
    start, end = SOURCE.index("struct {"), SOURCE.index("// The old")
    assert "the old way" in refused(compiled(SOURCE[start:end], OLD_MAP))


def test_no_btf(compiled):
    assert "clang -g" in refused(compiled(options=("-g0",)))


def test_messages_are_heard_although_bcc_listens_too(compiled):
    # bcc has libbpf's messages go to itself when it is first used.
    script = (
        "import sys; from helpers import loader; from helpers.bcc import headers\n"
        "headers.use(); import bcc\n"
        "loader.libbpf.library(); bcc.BPF(text='int nothing(void *ctx) { return 0; }')\n"
        "loader.load(sys.argv[1])"
    )
    path = compiled(options=("-g0",))
    command = [sys.executable, "-c", script, path]
    result = subprocess.run(command, capture_output=True, text=True)
    assert "clang -g" in result.stderr.splitlines()[-1]


def test_a_section_name_that_stands_for_nothing(compiled):
    assert 'SEC("socket")' in refused(compiled('SEC("socket")', 'SEC("socket1")'))


def test_a_program_that_the_verifier_refuses_keeps_its_log(compiled):
    with pytest.raises(loader.LoadError, match="The kernel refused") as caught:
        loader.load(compiled("\tif (bytes)\n", ""))
    assert "processed" in caught.value.log


def test_without_a_licence_it_loads_all_the_same(compiled):
    # It calls no helper that is reserved for GPL programs.
    with loader.load(compiled('char LICENSE[] SEC("license") = "GPL";', "")) as loaded:
        assert list(loaded.programs) == ["count_bytes"]


def test_an_ordinary_user_is_told_which_permission(sockex1_object):
    script = "import sys; from helpers import loader; loader.load(sys.argv[1])"
    result = subprocess.run(
        [*without_bpf(), sys.executable, "-c", script, sockex1_object],
        capture_output=True,
        text=True,
    )
    assert "this process lacks CAP_BPF" in result.stderr.splitlines()[-1]


def test_counters_refuse_a_map_that_cannot_be_mapped(compiled):
    path = compiled("\t__uint(map_flags, BPF_F_MMAPABLE);\n", "")
    with loader.load(path) as loaded, pytest.raises(counters.CounterError, match="MMAPABLE"):
        counters.Counters(loaded.map("bytes_by_protocol"))


def test_close_twice_and_use_after(sockex1_object):
    loaded = loader.load(sockex1_object)
    loaded.close()
    loaded.close()
    with pytest.raises(loader.LoadError, match="no map"):
        loaded.map("bytes_by_protocol")
