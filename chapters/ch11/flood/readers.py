"""Ways to count in Python, each in a process inside the network: python readers.py WAY.

Laboratory equipment, started by in_python of this package. It prints a line once it listens,
counts bytes per protocol until an empty UDP datagram passes, then prints the packets and the bytes
of UDP that it saw, and the nanoseconds of CPU time that it took.

On lo each frame passes twice, going out and coming in. Here the kernel is told to leave out the
copy that goes out, which spares Python half of the work.
"""

import resource
import socket
import struct
import subprocess
import sys
import time
from collections import Counter

from helpers.uapi import ETH_P_ALL, PACKET_IGNORE_OUTGOING, SOL_PACKET

HEADERS = 14 + 20 + 8  # an empty datagram: the flood is over
# It ends with us, even if we are killed. Only what comes in, only the headers, each packet at once.
TCPDUMP = ["setpriv", "--pdeathsig", "KILL", "tcpdump", "-i", "lo", "-Q", "in", "-U", "-w", "-"]
TCPDUMP += ["-s", str(HEADERS)]

packets: Counter[int] = Counter()
octets: Counter[int] = Counter()


def listening() -> int:
    """Say that we listen; the CPU time so far."""
    print("listening", flush=True)
    return time.process_time_ns()


def packet_loop() -> int:
    """Read every frame from a packet socket. Result: CPU time in nanoseconds."""
    frame = bytearray(1 << 16)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        raw.bind(("lo", ETH_P_ALL))
        began = listening()
        while (size := raw.recv_into(frame)) != HEADERS:
            packets[frame[23]] += 1
            octets[frame[23]] += size
    return time.process_time_ns() - began


def tcpdump_pipe() -> int:
    """Read what tcpdump writes into a pipe. Result: CPU time of both, in nanoseconds."""
    with subprocess.Popen(TCPDUMP, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tcpdump:
        for line in tcpdump.stderr:
            if b"listening on" in line:
                break
        read = tcpdump.stdout.read
        read(24)  # the file's header; then for each packet its own, and its first bytes
        began = listening()
        while len(header := read(16)) == 16:
            _, _, kept, size = struct.unpack("=4I", header)
            frame = read(kept)
            if size == HEADERS:
                break
            packets[frame[23]] += 1
            octets[frame[23]] += size
        own = time.process_time_ns() - began
        tcpdump.terminate()
        tcpdump.stdout.close()  # it may be about to write what nobody wants any more
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own + int((theirs.ru_utime + theirs.ru_stime) * 1e9)


def scapy_sniff() -> int:
    """Let scapy read, and take apart, every frame. Result: CPU time in nanoseconds."""
    from scapy.all import IP, conf, sniff

    def count(packet) -> None:
        packets[packet[IP].proto] += 1
        octets[packet[IP].proto] += len(packet)

    def is_last(packet) -> bool:
        return len(packet) == HEADERS

    began = []
    listener = conf.L2listen(iface="lo")
    listener.ins.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sniff(
        opened_socket=listener,
        store=False,
        prn=count,
        stop_filter=is_last,
        started_callback=lambda: began.append(listening()),
    )
    packets[socket.IPPROTO_UDP] -= 1  # sniff counts the last one too
    octets[socket.IPPROTO_UDP] -= HEADERS
    return time.process_time_ns() - began[0]


ways = {"loop": packet_loop, "tcpdump": tcpdump_pipe, "scapy": scapy_sniff}
cpu = ways[sys.argv[1]]()
print(packets[socket.IPPROTO_UDP], octets[socket.IPPROTO_UDP], cpu, flush=True)
