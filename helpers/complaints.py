"""What clang says when it refuses a program for BPF, as one true sentence about the learner's line.

Laboratory equipment, first used in chapter 02; chapter 05's bcc is made of clang, too. Known words
get their cause and cure. Of others clang's own first line is shown, and said to be clang's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HEADERS = Path("/usr/include")
KERNEL_HEADERS = Path("/usr/src")
# Which package has the headers of a folder below HEADERS.
PACKAGES = {"bpf": "libbpf-dev"}
PACKAGES |= dict.fromkeys(("linux", "asm", "asm-generic"), "linux-libc-dev")
# What the kernel calls a processor in __TARGET_ARCH_..., by uname's name.
TARGETS = {"x86_64": "x86", "aarch64": "arm64", "s390x": "s390", "ppc64le": "powerpc"}
LOAD = 'unsigned long long {0}(void *skb, unsigned long long offset) asm("llvm.bpf.load.{1}");'
# Instead of headers of the C library, which is not made for BPF.
INSTEAD_OF = {
    "stdint.h": "take __u8, __u16, __u32 and __u64 of linux/types.h",
    "inttypes.h": "take __u8, __u16, __u32 and __u64 of linux/types.h",
    "sys/types.h": "take __u8, __u16, __u32 and __u64 of linux/types.h",
    "stdio.h": "take bpf_printk of bpf/bpf_helpers.h",
    "string.h": "take __builtin_memcpy and __builtin_memset, with lengths that are fixed",
    "arpa/inet.h": "take bpf_htons and its like of bpf/bpf_endian.h",
    "netinet/in.h": "take linux/in.h",
    "netinet/ip.h": "take linux/ip.h",
    "netinet/tcp.h": "take linux/tcp.h",
    "netinet/udp.h": "take linux/udp.h",
    "net/ethernet.h": "take linux/if_ether.h",
    "netinet/if_ether.h": "take linux/if_ether.h",
    "errno.h": "take linux/errno.h",
}
# Where a name comes from that a program uses and has not declared.
ENDIAN = ("bpf_htons", "bpf_ntohs", "bpf_htonl", "bpf_ntohl", "bpf_cpu_to_be64", "bpf_be64_to_cpu")
BROUGHT_BY = dict.fromkeys(ENDIAN, "bpf/bpf_endian.h")
BROUGHT_BY |= dict.fromkeys(
    ("bpf_core_read", "BPF_CORE_READ", "bpf_core_field_exists"), "bpf/bpf_core_read.h"
)
BROUGHT_BY |= dict.fromkeys(
    ("BPF_PROG", "BPF_KPROBE", "PT_REGS_PARM1", "PT_REGS_RC"), "bpf/bpf_tracing.h"
)
BROUGHT_BY |= dict.fromkeys(("bpf_printk", "SEC", "__uint", "__type"), "bpf/bpf_helpers.h")
BROUGHT_BY |= dict.fromkeys(
    ("ETH_P_IP", "ETH_P_IPV6", "ETH_P_ARP", "ETH_HLEN", "struct ethhdr"), "linux/if_ether.h"
)
BROUGHT_BY |= dict.fromkeys(
    ("IPPROTO_TCP", "IPPROTO_UDP", "IPPROTO_ICMP", "IPPROTO_IPV6"), "linux/in.h"
)
BROUGHT_BY |= {"PACKET_OUTGOING": "linux/if_packet.h", "PACKET_HOST": "linux/if_packet.h"}
BROUGHT_BY |= {"TC_ACT_OK": "linux/pkt_cls.h", "TC_ACT_SHOT": "linux/pkt_cls.h"}
BROUGHT_BY |= {"struct iphdr": "linux/ip.h", "struct ipv6hdr": "linux/ipv6.h"}
BROUGHT_BY |= {"struct tcphdr": "linux/tcp.h", "struct udphdr": "linux/udp.h"}
BROUGHT_BY |= {"struct __sk_buff": "linux/bpf.h"}
BROUGHT_BY |= {"bool": "stdbool.h", "true": "stdbool.h", "false": "stdbool.h", "size_t": "stddef.h"}
BROUGHT_BY |= {"NULL": "stddef.h", "__u8": "linux/types.h", "__u16": "linux/types.h"}
BROUGHT_BY |= {"__u32": "linux/types.h", "__u64": "linux/types.h"}
OF_THE_C_LIBRARY = {
    "htons": "bpf_htons of bpf/bpf_endian.h",
    "ntohs": "bpf_ntohs of bpf/bpf_endian.h",
    "htonl": "bpf_htonl of bpf/bpf_endian.h",
    "ntohl": "bpf_ntohl of bpf/bpf_endian.h",
    "printf": "bpf_printk of bpf/bpf_helpers.h",
    "memcpy": "__builtin_memcpy with a fixed length",
    "memset": "__builtin_memset with a fixed length",
    "memmove": "__builtin_memmove with a fixed length",
    "memcmp": "a loop of your own over a fixed length",
    "strcmp": "a loop of your own over a fixed length",
    "strncmp": "bpf_strncmp, or a loop of your own over a fixed length",
    "strlen": "a loop of your own over a fixed length",
    "malloc": "a map",
    "calloc": "a map",
    "free": "a map",
}
TYPES = {"u8": "__u8", "u16": "__u16", "u32": "__u32", "u64": "__u64"}
TYPES |= {f"uint{bits}_t": f"__u{bits}" for bits in (8, 16, 32, 64)}
TYPES |= {f"int{bits}_t": f"__s{bits}" for bits in (8, 16, 32, 64)}
TYPES |= {"s32": "__s32", "s64": "__s64", "uint": "__u32"}


@dataclass(frozen=True)
class Complaint:
    """An error of clang's. file: "" where it names none, row then 0; what: its words; excerpt: the
    lines of C that it shows below; through: from the outermost, (file, row) of each #include."""

    file: str
    row: int
    column: int
    what: str
    excerpt: str = ""
    through: tuple[tuple[str, int], ...] = ()


def complaints(log: str) -> list[Complaint]:
    """The errors in what clang wrote, in its order; warnings and notes are left out."""
    found: list[Complaint] = []
    through: list[tuple[str, int]] = []  # clang leaves it out where it is the same as before
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if included := re.match(r"In file included from (.+):(\d+):$", line):
            if not lines[number - 1].startswith("In file included"):
                through = []
            through.append((included[1], int(included[2])))
        elif error := re.match(r"(.+?):(\d+):(\d+): (?:fatal )?error: (.*)", line):
            excerpt = "\n".join(lines[number + 1 : number + 3])
            place = error[1], int(error[2]), int(error[3])
            found.append(Complaint(*place, error[4], excerpt, tuple(through)))
        elif error := re.match(r"Error at line (\d+): (.*)", line):  # clang 14's back end
            found.append(Complaint("", int(error[1]), 0, error[2]))
        elif error := re.match(r"fatal error: error in backend: (.*)", line):
            place = re.search(r" ?(\S+?):(\d+):(\d+)$", error[1])
            where = (place[1], int(place[2]), int(place[3])) if place else ("", 0, 0)
            found.append(Complaint(*where, error[1]))
    return found


def sentence(log: str, source: Path) -> str:
    """clang's refusal of a file as one sentence, and the lines of C that its first error shows.

    Arguments: log: all that it wrote; source: the C file. Built in chapter 02.
    """
    text = source.read_text(errors="replace") if source.is_file() else ""
    for name in re.findall(r"#\s*include\s*<(.+?)>", text):
        if (header := HEADERS / name).exists() and not header.stat().st_size:
            package = PACKAGES.get(name.split("/")[0], "the package it is from")
            return f"{header}, which {source.name} includes, is empty: install {package} anew."
    errors = complaints(log)
    if errors:
        first = errors[0]
        own = own_row(first, source.name)
        known = in_a_header(first, own, source, text) or predicate(first, text)
        subject = f"Line {own} of {source.name}" if own else source.name
        said = f"{subject} {known}." if known else unknown(first, own, source)
        return f"{said}\n{first.excerpt}" if first.excerpt else said
    if "Stack dump:" in log:
        return (
            f"clang itself broke down while it compiled {source.name}, which is no fault that it "
            "names: take back what you changed last, inline assembly first of all."
        )
    reason = re.search("error: (.*)", log, re.IGNORECASE)
    what = reason[1] if reason else log.strip() or "it gave no reason"
    if re.search("unknown target triple|unable to create target|compatible with triple", what):
        return f"The clang here knows no BPF ({flat(what)}): put your distribution's first in PATH."
    return (
        f"clang gave up on {source.name} ({flat(what)}): check its options and the output folder."
    )


def flat(what: str) -> str:
    """clang's words as part of a sentence."""
    return what.strip().rstrip(".").replace(". ", "; ")


def own_row(complaint: Complaint, name: str) -> int:
    """The learner's own line: where the error is, or the #include that leads there; 0: unknown."""
    if not complaint.file or Path(complaint.file).name == name:
        return complaint.row
    return next((row for file, row in complaint.through if Path(file).name == name), 0)


def unknown(first: Complaint, own: int, source: Path) -> str:
    """The sentence for words that mean nothing certain."""
    if "No space left" in first.what:
        return f"{source.name} cannot be compiled, since the disk is full: free some space."
    words = f"clang says: {flat(first.what)}"
    if not first.file and not first.row:
        return f"{source.name} does not compile, and the course does not know why ({words})."
    name = Path(first.file).name or source.name
    begin = f"{name} does not compile: look at line {first.row} first, near column {first.column}"
    if name == source.name or not own:
        return f"{begin} ({words})."
    return f"{begin} ({words}), and at what stands above line {own} of {source.name}, its #include."


def in_a_header(first: Complaint, own: int, source: Path, text: str) -> str | None:
    """What the learner's line does, if it is an #include and the error is about that."""
    missing = re.fullmatch("'(.+)' file not found", first.what)
    line = text.splitlines()[own - 1] if 0 < own <= len(text.splitlines()) else ""
    header = (re.findall(r'#\s*include\s*[<"](.+?)[>"]', line) or [""])[0]
    inside = Path(first.file).name != source.name and header
    if missing and not inside:
        return f"includes {missing[1]}, {cure_for_header(missing[1])}"
    if missing and missing[1].startswith("gnu/stubs"):
        if header.startswith("linux/"):  # linux/icmp.h, by way of linux/if.h
            return (
                f"includes {header}, which includes the C library's headers in its turn, and those "
                f"are not made for BPF (they want {missing[1]}): write what you need of it yourself"
            )
        cure = INSTEAD_OF.get(header, "leave it out")
        return (
            f"includes {header} of the C library, which is not made for BPF (it wants "
            f"{missing[1]}): {cure}"
        )
    folder = missing[1].split("/")[0] if missing else ""
    if folder in PACKAGES and not (HEADERS / folder).is_dir():
        return (
            f"includes {header}, which wants {missing[1]} in its turn, and that is not installed: "
            f"run ./course lab, or install {PACKAGES[folder]}"
        )
    if missing:
        return (
            f"includes {header}, which wants {missing[1]} in its turn, and clang does not find "
            "that: leave it out, or install what belongs to it"
        )
    if "vmlinux.h" in text and re.search(
        "redefinition|redeclaration|conflicting types", first.what
    ):
        both = [(first.file, first.row), *first.through]
        if any("vmlinux" in file for file, _ in both) or "linux/" in first.file:
            return (
                f"includes {header or 'a header'} beside vmlinux.h, and both declare the same "
                "types: keep one of the two, vmlinux.h has all of the kernel's types"
            )
    if inside and header.startswith("bpf/") and re.search("unknown type name '__[us]", first.what):
        return f"includes {header} before linux/bpf.h, whose types it uses: put linux/bpf.h first"
    return None


def cure_for_header(name: str) -> str:
    """What to do about a header that the learner includes and clang does not find."""
    if Path(name).name == "vmlinux.h":
        return (
            "which is made of the running kernel's types: bpftool btf dump file "
            "/sys/kernel/btf/vmlinux format c >vmlinux.h makes it, and programs for packets do "
            "with linux/bpf.h instead"
        )
    inner = name.removeprefix("uapi/")
    if inner != name and (HEADERS / inner).is_file():
        return f"as bcc's programs do: write {inner}"
    ours = name in BROUGHT_BY.values()  # so its name is right, and it is gone
    if not ours and any(KERNEL_HEADERS.glob(f"linux-headers-*/include/{name}")):
        return (
            "a header for code of the kernel itself, which is not for programs that clang "
            "compiles alone: take linux/bpf.h, or for the kernel's own types vmlinux.h"
        )
    package = PACKAGES.get(name.split("/")[0])
    if package is None or not ours and (HEADERS / name.split("/")[0]).is_dir():
        return "which clang does not find: check its name in the #include line"
    return f"which is not installed: run ./course lab, or install {package}"


def predicate(first: Complaint, text: str) -> str | None:
    """What the line does that BPF or C does not allow, with the cure; None for other words."""
    line = text.splitlines()[first.row - 1] if 0 < first.row <= len(text.splitlines()) else ""
    macro = re.match(r"\s*(BPF_(?:HASH|ARRAY|HISTOGRAM|TABLE|PERF_OUTPUT)|SEC)\s*\(", line)
    if macro and f"define {macro[1]}" not in text:
        if macro[1] != "SEC":
            return (
                f"uses bcc's {macro[1]}, which clang alone does not know: declare the map in .maps"
            )
        if "bpf_helpers.h" not in text:
            return "uses SEC, a macro of bpf/bpf_helpers.h: include that above"
    return meaning(first.what, MEANINGS)


def meaning(what: str, known: Sequence) -> str | None:
    """What clang's words mean: what the line does that cannot be, and the cure; None for others.

    Arguments: known: MEANINGS, or BACK_END for a program that has other headers than the course's.
    """
    for words, then in known:
        if found := re.search(words, what):
            return then if isinstance(then, str) else then(found[1])
    return None


def undeclared_function(name: str) -> str:
    """Where the function comes from that nothing has declared."""
    if load := re.fullmatch("load_(byte|half|word)", name):
        return f"calls {name}, which no header declares: write {LOAD.format(name, load[1])} above"
    if name in OF_THE_C_LIBRARY:
        instead = OF_THE_C_LIBRARY[name]
        return f"calls {name} of the C library, which BPF does not have: take {instead}"
    if name in BROUGHT_BY:
        return f"calls {name}, which {BROUGHT_BY[name]} declares: include that above"
    helpers = HEADERS / "bpf/bpf_helper_defs.h"
    listed = helpers.read_text(errors="replace") if helpers.is_file() else ""
    if re.search(rf"\b{name}\)\(", listed):
        return f"calls {name}, which bpf/bpf_helpers.h declares: include that above"
    return (
        f"calls {name}, which nothing above it declares: check its name, or include the header "
        "that has it"
    )


def undeclared_name(name: str) -> str | None:
    """Where the type, the struct or the constant comes from."""
    if name in TYPES:
        return f"uses {name}, which is not C's own: write {TYPES[name]}, of linux/types.h"
    return (
        f"uses {name}, which {BROUGHT_BY[name]} brings: include that"
        if name in BROUGHT_BY
        else None
    )


def built_in(name: str) -> str:
    """What a call means that clang itself puts in."""
    if re.match("mem|bcmp|str", name):
        return (
            f"makes clang call {name}, which BPF does not have: give it a fixed length of at most "
            "about a hundred bytes, or go through them in a loop with a volatile pointer"
        )
    if re.search("[sdt]f", name):
        return (
            "computes with fractions, which BPF does not have: take whole numbers, thousandths for "
            "example"
        )
    if "ti" in name or name == "__multi3":
        return "computes with 128 bits, and BPF's registers have 64: take __u64"
    if name == "abort":
        return "leads to abort(), which BPF does not have: leave __builtin_trap() out, and return"
    return f"makes clang call {name}, a function of its own that BPF does not have"


def several(cause: str, cure: str) -> str:
    return f"{cause}: {cure}, or mark the function static __always_inline"


# clang's words, of versions 13 to 23, and what the line does then: text, or a function of the name
# in them. First those of its back end, about what BPF does not have.
BACK_END: Sequence = (
    (r"call to built-in function '(\w+)' is not supported", built_in),
    (
        r"[Uu]nsupport\w* signed division|Cannot select: .*= s(?:div|rem)\b",
        "divides signed numbers, for which BPF has an instruction with -mcpu=v4 only: make both "
        "unsigned",
    ),
    (
        r"BPF stack limit",
        "is in a function that needs more than the 512 bytes of stack that BPF gives: keep large "
        "variables in a map, such as a per-CPU array of one; if there are none, have fewer turns "
        "of a loop written out",
    ),
    (
        r"dynamic stack allocation",
        "has memory on the stack whose size is known only when the program runs: give the array "
        "a fixed length",
    ),
    (
        r"pass by value not supported",
        several("passes a whole struct to a function, which BPF cannot", "pass its address"),
    ),
    (
        r"aggregate returns are not supported|only integer returns|only small returns",
        several(
            "returns more from a function than a register holds", "fill a struct by its address"
        ),
    ),
    (
        r"VarArgs or StructRet",
        several(
            "is a function with ... for arguments, or one that returns a whole struct, and BPF has "
            "neither",
            "take a fixed number of arguments, and the address of a struct",
        ),
    ),
    (
        r"variadic functions are not supported",
        "is a function with ... for arguments, which BPF does not have: take a fixed number",
    ),
    (
        r"too many arg|stack arguments are not supported",
        several(
            "has a function with more than five arguments, which BPF cannot hand over",
            "pass the address of a struct",
        ),
    ),
    (
        r"[Uu]nsupported atomic operation",
        "wants an atomic operation on a number of a size for which BPF has none: make it 8 "
        "bytes long",
    ),
    (
        r"atomic load/store is not supported|Cannot select: .*Atomic(?:Load|Store)<",
        "wants an atomic load or store, which this clang does not have for BPF: read or write it "
        "through a volatile pointer",
    ),
    (
        r"Cannot select: .*Atomic",
        "wants an atomic operation for which BPF has no instruction with this -mcpu: take "
        "__sync_fetch_and_add on 8 bytes, and leave its result alone",
    ),
)
MEANINGS: Sequence = (
    *BACK_END,
    (
        r"(?:undeclared (?:library )?function|implicit declaration of function"
        r"|implicitly declaring library function) '(\w+)'",
        undeclared_function,
    ),
    (r"(?:undeclared identifier|unknown type name) '(\w+)'", undeclared_name),
    (r"incomplete (?:definition of )?type '(?:const )?(struct \w+)'", undeclared_name),
    (
        r"Must specify a BPF target arch",
        "reads registers, which differ from processor to processor: compile with the option "
        f"-D__TARGET_ARCH_{TARGETS.get(os.uname().machine, os.uname().machine)}",
    ),
)
