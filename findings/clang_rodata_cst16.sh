#!/usr/bin/env bash
# clang puts a small constant table into .rodata.cst16, and says in BTF that it is in .rodata.
#
# Versions: clang 14.0.6-12, libbpf 1.1.2-0+deb12u1 (Debian 12).
# Behaviour: a static const table of 16 bytes (8 and 32 likewise) that is read by an index goes into a
#   section of its own, so that equal constants can be merged. clang's BTF has it in the data section
#   .rodata all the same, which the object file does not have. libbpf 1.1 looks for it, and does not
#   open the object: "No such file or directory". clang 16 names the section as it is; libbpf 1.2
#   no longer insists. A table that is declared volatile as well stays in .rodata.
# Needs: apt, python3, the C library's own dependencies of LLVM. Exits with 1 if that has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
llvm=1:14.0.6-12
apt-get download -qq clang-14=$llvm libclang-cpp14=$llvm libllvm14=$llvm libbpf1=1:1.1.2-0+deb12u1 \
    libedit2 libz3-4 libxml2 libicu72 libbsd0 libmd0 libelf1
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH="$folder/usr/lib/x86_64-linux-gnu:$folder/usr/lib/llvm-14/lib"
clang=usr/lib/llvm-14/bin/clang
"$clang" --version | head -n 1

for qualifier in const 'const volatile'; do
    cat > table.c <<C
static $qualifier int table[4] = {1, 2, 3, 5};
__attribute__((section("socket"), used)) int f(const int *skb) { return table[*skb & 3]; }
C
    "$clang" -target bpf -O2 -g -c table.c -o table.o
    python3 - "$qualifier" <<'PYTHON'
import ctypes
import os
import sys

library = ctypes.CDLL("libbpf.so.1", use_errno=True)
library.bpf_object__open.restype = ctypes.c_void_p
library.libbpf_set_print(None)
object_file = open("table.o", "rb").read()
sections = [name for name in (".rodata.cst16", ".rodata") if name.encode() + b"\0" in object_file]
opened = library.bpf_object__open(b"table.o")
answer = "opened" if opened else os.strerror(ctypes.get_errno())
print(f"static {sys.argv[1]}: section names {sections}, libbpf: {answer}")
PYTHON
done | tee seen
diff seen - <<'EXPECTED'
static const: section names ['.rodata.cst16', '.rodata'], libbpf: No such file or directory
static const volatile: section names ['.rodata'], libbpf: opened
EXPECTED
