#!/usr/bin/env bash
# clang's BTF leaves the parameters of a naked function without names, and the kernel refuses it all.
#
# Versions: clang 14.0.6-12 (Debian 12); 15.0.6, 16.0.6 and 19.1.7 do the same.
# Behaviour: in BTF a function points to its prototype, in which each parameter has a name
#   (Documentation/bpf/btf.rst, BTF_KIND_FUNC). For a function with __attribute__((naked)) clang writes
#   the parameters' types and no names. Linux 6.18 answers "FUNC third type_id=... Invalid arg#1" to
#   the whole of the object's BTF. libbpf goes on without it, and programs that need it are refused
#   for something else: one that hands a function to bpf_loop for "missing btf func_info".
# Needs: apt, python3, the C library's own dependencies of LLVM. Exits with 1 if that has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
llvm=1:14.0.6-12
apt-get download -qq clang-14=$llvm libclang-cpp14=$llvm libllvm14=$llvm \
    libedit2 libz3-4 libxml2 libicu72 libbsd0 libmd0
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH="$folder/usr/lib/x86_64-linux-gnu:$folder/usr/lib/llvm-14/lib"
clang=usr/lib/llvm-14/bin/clang
"$clang" --version | head -n 1

cat > naked.c <<'C'
#define OWN __attribute__((noinline)) static int
OWN __attribute__((naked)) third(int *skb) { asm volatile("r0 = 3; exit;"); }
OWN fourth(int *skb) { asm volatile(""); return *skb; }
__attribute__((section("socket"), used)) int f(int *skb) { return third(skb) + fourth(skb); }
C
"$clang" -target bpf -O2 -g -c naked.c -o naked.o
python3 - <<'PYTHON' | tee seen
import struct

# How many 32-bit words follow a type of each kind, and for how many members.
WORDS = {1: (1, False), 3: (3, False), 4: (3, True), 5: (3, True), 6: (2, True), 13: (2, True)}
WORDS |= {14: (1, False), 15: (3, True), 17: (1, False), 19: (3, True)}
data = open("naked.o", "rb").read()
btf = data[data.index(struct.pack("<HBBI", 0xEB9F, 1, 0, 24)) :]
_, _, _, header, start, length, strings, _ = struct.unpack_from("<HBBIIIII", btf)


def text(offset):
    at = header + strings + offset
    return btf[at : btf.index(b"\0", at)].decode()


types, at = [None], header + start
while at < header + start + length:
    name, info, reference = struct.unpack_from("<III", btf, at)
    words, for_each = WORDS.get(info >> 24 & 31, (0, False))
    count = words * (info & 0xFFFF if for_each else 1)
    types.append((info >> 24 & 31, name, reference, struct.unpack_from(f"<{count}I", btf, at + 12)))
    at += 12 + 4 * count
for kind, name, reference, _ in types[1:]:
    if kind == 12:  # a function, and its prototype
        names = [text(each) for each in types[reference][3][::2]]
        print(text(name), names)
PYTHON
sort seen | diff - <(printf "%s\n" "f ['skb']" "fourth ['skb']" "third ['']")
