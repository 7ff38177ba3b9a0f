"""What a Debian is made of, and what came out there, as JSON: run in it, after the tests.

Source: libbpf_version_string(3), pcap_lib_version(3PCAP), JUnit's XML as pytest writes it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import platform
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def versions() -> dict[str, str]:
    """The versions of the parts that the course is built on."""
    libbpf, libpcap = ctypes.CDLL("libbpf.so.1"), ctypes.CDLL(ctypes.util.find_library("pcap"))
    libbpf.libbpf_version_string.restype = libpcap.pcap_lib_version.restype = ctypes.c_char_p
    texts = {
        "Debian": Path("/etc/debian_version").read_text(),
        "clang": said("clang", "--version"),
        "LLVM": said("llvm-objdump", "--version"),
        "libbpf": libbpf.libbpf_version_string().decode(),
        "bcc": Path(find_spec("bcc").origin).with_name("version.py").read_text(),
        "Python": platform.python_version(),
        "libpcap": libpcap.pcap_lib_version().decode(),
    }
    numbers = {name: re.search(r"\d+(\.\d+)+", text) for name, text in texts.items()}
    return {name: found[0] if found else texts[name].strip() for name, found in numbers.items()}


def tests(file: Path) -> dict:
    """What became of the tests: how many passed, the names of the others."""
    found: dict = {"passed": 0, "failed": [], "skipped": []}
    for case in ElementTree.parse(file).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            found["failed"].append(name)
        elif "skipped" in kinds:
            found["skipped"].append(name)
        else:
            found["passed"] += 1
    return found


def main(file: str) -> None:
    lines = [line for line in said("./course", "demo").splitlines() if line.startswith("TCP ")]
    print(json.dumps({"versions": versions(), "tests": tests(Path(file)), "demo": lines}))


if __name__ == "__main__":
    main(*sys.argv[1:])
