#!/usr/bin/env bash
# On a full disk, nbformat's store of signatures ends every opening of a notebook that was signed.
#
# Versions: nbformat 5.11.1, with Python's sqlite3; jupyter_server 2.21.1 hands it on as a 500.
# Behaviour: to look a signature up, SQLiteSignatureStore.check_signature writes when it was last seen,
#   and does not catch what sqlite3 says: OperationalError, "database or disk is full". Jupyter asks it
#   whenever a notebook is opened. So who has a full disk, or has reached a quota, can open no notebook
#   of their own any more, though opening one writes nothing that anybody needs.
# Needs: unshare with user namespaces or root, python3 with venv, PyPI. Exits with 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet nbformat==5.11.1
mkdir "$folder/disk"
cat > "$folder/open.py" <<'PYTHON'
import os, sqlite3, sys
from nbformat import v4
from nbformat.sign import NotebookNotary

notary = NotebookNotary(data_dir=sys.argv[1])
notebook = v4.new_notebook(cells=[v4.new_code_cell("1")])
notary.sign(notebook)
print("signed, and known:", notary.check_signature(notebook))
try:
    with open(f"{sys.argv[1]}/filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
except OSError as error:
    print(error.strerror)
try:
    notary.check_signature(notebook)
except sqlite3.OperationalError as error:
    print("OperationalError:", error)
    sys.exit(0)
sys.exit("it is answered")
PYTHON
unshare --user --map-root-user --mount bash -c \
    "mount -t tmpfs -o size=1m tmpfs '$folder/disk' && '$folder/env/bin/python' '$folder/open.py' '$folder/disk'"
