#!/usr/bin/env bash
# tcpdump misses frames for "vlan and pppoes" on an interface, and finds all of them in a file.
#
# Versions: tcpdump 4.99.3-1, libpcap 1.10.3-1 (Debian 12), on Linux 6.18.
# Behaviour: for an interface libpcap keeps in M[0] and M[1] how far a VLAN tag has moved the rest of
#   a frame. In its program for this expression an instruction reads M[1] where nothing has stored it
#   yet, so the kernel refuses the program ("Kernel filter failed: Invalid argument"). tcpdump then
#   runs it by itself, with whatever lies there: of 3 frames it shows 1, or none. `tcpdump -r` shows
#   all 3.
# Needs: apt, and user namespaces or root. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq tcpdump=4.99.3-1 libpcap0.8=1.10.3-1
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(dirname "$(find . -name 'libpcap.so.0.8' | head -n 1)" | sed "s|^\.|$folder|")
export LD_LIBRARY_PATH
tcpdump=$(find "$folder" -name tcpdump -type f -perm -u+x | head -n 1)
"$tcpdump" --version 2>&1 | head -n 2
export tcpdump

cat > inside.sh <<'INSIDE'
set -euo pipefail
ip link add left type veth peer name right
for end in left right; do
    ip link set "$end" addrgenmode none
    ip link set "$end" up
done
sent() {
    python3 - <<'PYTHON'
import socket

ip = bytes.fromhex("4500001c000100004011f6cbc0000201c0000202") + bytes.fromhex("0001003500080000")
frame = bytes.fromhex("02000000000b02000000000a") + bytes.fromhex("81000005") + bytes.fromhex("8864")
frame += bytes.fromhex("11000011001e0021") + ip
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
    sock.bind(("left", 0))
    for _ in range(3):
        sock.send(frame)
PYTHON
}
for expression in vlan "vlan and pppoes" "vlan and pppoes and ip"; do
    "$tcpdump" -i left -p -n --immediate-mode -w all.pcap "$expression" 2> said &
    until grep -q 'listening on' said; do :; done
    sent
    # It has read all once it sleeps again.
    until [ "$(ps -o state= -p $!)" = S ]; do :; done
    kill -TERM $!
    wait $! || true
    count=$(grep -o '^[0-9]* packets* captured' said | cut -d' ' -f1)
    refused=$(grep -o 'Kernel filter failed.*' said || true)
    if [ "$count" = 3 ]; then shown=all; else shown=fewer; fi
    echo "$expression: $shown${refused:+, $refused}"
    [ "$expression" != vlan ] || mv all.pcap file.pcap
done
for expression in "vlan and pppoes" "vlan and pppoes and ip"; do
    echo "$expression, in a file: $("$tcpdump" -r file.pcap -n --count "$expression" 2> said)"
done
INSIDE

if [ "$(id -u)" = 0 ]; then enter=(unshare -n); else enter=(unshare -rn); fi
"${enter[@]}" bash inside.sh | tee seen
cat > expected <<'SEEN'
vlan: all
vlan and pppoes: fewer, Kernel filter failed: Invalid argument
vlan and pppoes and ip: fewer, Kernel filter failed: Invalid argument
vlan and pppoes, in a file: 3 packets
vlan and pppoes and ip, in a file: 3 packets
SEEN
if diff expected seen; then
    echo "As described."
else
    echo "It has changed."
    exit 1
fi
