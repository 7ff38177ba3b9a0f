#!/usr/bin/env bash
# scapy takes no notice of a pcapng interface's time offset.
#
# Versions: scapy 2.8.0 (PyPI).
# Behaviour: an interface description block may have the option if_tsoffset (14), seconds to be added
#   to the time of each of its packets (draft-ietf-opsawg-pcapng, section 4.2). tshark 4.0 adds them.
#   scapy reads the packet and its if_tsresol, and leaves the offset out: the time is an hour early.
# Needs: python3 with pip, PyPI. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install --quiet --disable-pip-version-check scapy==2.8.0

env/bin/python - <<'PYTHON' | tee seen
import struct

from scapy.config import conf
from scapy.utils import PcapNgReader


def block(kind, body):
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def option(code, value):
    return struct.pack("<2H", code, len(value)) + value + bytes(-len(value) % 4)


section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
offset = option(14, struct.pack("<q", 3600)) + bytes(4)
interface = block(1, struct.pack("<HHI", 1, 0, 0) + offset)
time = 1_000_000 * 10**6  # in microseconds, to which the hour is to be added
packet = block(6, struct.pack("<5I", 0, time >> 32, time & 0xFFFFFFFF, 60, 60) + bytes(60))
with open("offset.pcapng", "wb") as file:
    file.write(section + interface + packet)
with PcapNgReader("offset.pcapng") as packets:
    for each in packets:
        print(f"scapy {conf.version}: {float(each.time):.0f} s, by the format 1003600 s")
PYTHON
echo "scapy 2.8.0: 1000000 s, by the format 1003600 s" | diff - seen
