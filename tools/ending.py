"""An end in order for a JupyterLab that is interrupted where there is no terminal: its kernels end,
and its own files go from Jupyter's runtime folder.

Laboratory equipment, an extension that ./course lab switches on. In a terminal Jupyter asks whether
to stop, and a second Ctrl-C stops it in order; without one it leaves SIGINT to Python, whose
KeyboardInterrupt ends the process and nothing else. Source: jupyter_server, ServerApp.init_signal.
"""

from __future__ import annotations

import signal

from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """SIGINT is what SIGTERM is, unless Jupyter has something to do on it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
