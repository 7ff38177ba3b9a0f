"""Compiles one filter expression for an interface, inside a private network: see expression.py.

    python -I -S inside.py INTERFACE OPTIMIZE EXPRESSION

It stands alone, like helpers/netlab/child.py, and prints one line of JSON: the number of the link
type, and the filter's code in hex, libpcap's complaint or its refusal to listen.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from helpers import libpcap  # noqa: E402


def main(interface: str, optimize: str, expression: str) -> dict[str, object]:
    try:
        link, result = libpcap.compiled_at(interface, expression, optimize == "1")
    except libpcap.PcapError as error:
        return {"refused": str(error)}
    if isinstance(result, str):
        return {"link": link, "complaint": result}
    return {"link": link, "code": result.hex()}


if __name__ == "__main__":
    signal.alarm(libpcap.LOOKUP_SECONDS)  # its default is the end, which is what we want
    print(json.dumps(main(*sys.argv[1:])))
