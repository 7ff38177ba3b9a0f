#!/usr/bin/env bash
# tcpdump loses the first packet where it is asked for an interface or a direction.
#
# Versions: tcpdump 4.99.3-1, libpcap 1.10.3-1 (Debian 12), on Linux 6.18.
# Behaviour: `tcpdump -i left outbound` and `ifindex N` show 4 of 5 frames, `udp` shows all 5. The
#   kernel's filter lets all 5 through ("5 packets received by filter"). libpcap then filters the
#   first packets once more by itself, for they may have come before the filter was there, and its
#   own machine does not know of interfaces and directions: it takes such a load for one from beyond
#   the end of the packet, and drops it.
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
number=$(ip -o link show left | cut -d: -f1)
for expression in udp outbound "ifindex $number"; do
    "$tcpdump" -i left -p -n --immediate-mode -w /dev/null "$expression" 2> said &
    until grep -q 'listening on' said; do :; done
    python3 - <<'PYTHON'
import socket

ip = bytes.fromhex("4500001c000100004011f6cbc0000201c0000202") + bytes.fromhex("0001003500080000")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
    sock.bind(("left", 0))
    for _ in range(5):
        sock.send(bytes.fromhex("02000000000b02000000000a0800") + ip)
PYTHON
    # It has read all once it sleeps again.
    until [ "$(ps -o state= -p $!)" = S ]; do :; done
    kill -TERM $!
    wait $! || true
    echo "$expression: $(grep -o '^[0-9]* packets* captured' said), $(grep -o '^[0-9]* .* by filter' said)" \
        | sed "s/ifindex $number/ifindex N/"
done
INSIDE

if [ "$(id -u)" = 0 ]; then enter=(unshare -n); else enter=(unshare -rn); fi
"${enter[@]}" bash inside.sh | tee seen
cat > expected <<'SEEN'
udp: 5 packets captured, 5 packets received by filter
outbound: 4 packets captured, 5 packets received by filter
ifindex N: 4 packets captured, 5 packets received by filter
SEEN
if diff expected seen; then
    echo "As described."
else
    echo "It has changed."
    exit 1
fi
