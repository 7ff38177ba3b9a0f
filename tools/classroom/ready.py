"""A process that has read what every learner's server needs, and forks itself into each of them.

The modules of a server take some 90 MiB and seconds of a processor. Here they are read once: what
is not written to afterwards, most of it, is in memory once for the whole room. The hub starts this
with nothing secret in its environment, and asks for a server by a line on its standard input:
`serve` says of what. The answer is the server's number. When the hub ends, even if it is killed,
this ends, and the servers go on.

Source: fork(2), namespaces(7), capabilities(7), PR_SET_PDEATHSIG(2const); gc.freeze in Python.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from helpers import capabilities, uapi
from helpers.errors import check
from tools.classroom import quick

CONFINE = Path(__file__).with_name("confine.sh")
NAMESPACES = uapi.CLONE_NEWNET | uapi.CLONE_NEWPID | uapi.CLONE_NEWIPC | uapi.CLONE_NEWNS
STOPS = (signal.SIGINT, signal.SIGTERM)
# What reads a server's modules; none of the course's, for these ask where a learner's places are.
SERVICES = "api config contents events kernels kernelspecs nbconvert security sessions"
MODULES = (
    *("jupyterhub.singleuser", "jupyterhub.httpclient", "jupyterlab.labapp", "IPython.display"),
    *("jupyter_server.services.contents.largefilemanager", "jupyter_client.asynchronous"),
    *("jupyter_server.services.kernels.kernelmanager", "jupyter_server_terminals.app"),
    *("jupyter_server.kernelspecs.handlers", "jupyter_server.nbconvert.handlers"),
    *("jupyter_server.services.shutdown", "jupyter_server.view.handlers", "notebook_shim.nbserver"),
    *(f"jupyter_server.services.{each}.handlers" for each in SERVICES.split()),
)


class Ready:
    """The hub's end of it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        kept = {name: value for name, value in os.environ.items() if name.startswith("LC_")}
        kept |= {name: os.environ[name] for name in ("LANG", "PATH") if name in os.environ}
        from helpers.toolchain import COURSE  # not above: it says where a learner's places are, too

        kept |= {"PYTHONPATH": str(COURSE), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tools.classroom.ready"]
        how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
        self._process = subprocess.Popen(command, cwd="/", env=kept, **how)

    def ask(self, asked: dict) -> int:
        """Have a server started, as `serve` says. Result: its process number.

        Errors: OSError, if it cannot be started again either, or a learner not be confined.
        """
        with self._lock:
            for _ in range(2):  # it may have been killed
                self.begin()
                try:
                    self._process.stdin.write(json.dumps(asked).encode() + b"\n")
                    self._process.stdin.flush()
                    if answer := self._process.stdout.readline():
                        if number := int(answer):
                            return number
                        raise ChildProcessError("a learner cannot be confined: the log says why")
                except BrokenPipeError:
                    pass
                self._process.kill()
                self._process.wait()
        raise ConnectionError("what becomes a learner's server has ended")


def become(user: int, names: list[str]) -> None:
    """Give up root for a learner who holds these capabilities, and can never hold others.

    Errors: OSError. Source: capabilities(7), the order of prctl(2), setresuid(2) and capset(2).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    mask = capabilities.mask(*names)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in set(range(last + 1)) - set(capabilities.numbers(mask)):
        check(libc.prctl(uapi.PR_CAPBSET_DROP, number, 0, 0, 0))
    check(libc.prctl(uapi.PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    capabilities.keep_only(mask)
    capabilities.hand_on()
    check(libc.prctl(uapi.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    # As after exec(2): the kernel hides a process that became another user from that user.
    check(libc.prctl(uapi.PR_SET_DUMPABLE, 1, 0, 0, 0))


def confine(asked: dict) -> int:
    """Fork a process that is a learner's, first in namespaces of their own, as they are.

    It returns twice: there with 0, and here with the number of the other. Whoever kills that one,
    ends everything in its namespace of processes.
    asked: "groups", folders of control groups to enter; "places", as confine.sh takes them;
    "memory", the most for files in memory, in bytes; "user", the learner's number; "capabilities",
    their names.
    """
    for group in asked["groups"]:
        (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    check(ctypes.CDLL(None, use_errno=True).unshare(NAMESPACES))
    number = os.fork()
    if number == 0:
        subprocess.run(["bash", CONFINE, str(asked["memory"]), *asked["places"]], check=True)
        os.chdir(asked["places"][-1].partition(":")[2])
        become(asked["user"], asked["capabilities"])
    return number


def serve(asked: dict) -> None:
    """Become a learner's server, apart from the hub's terminal and pipes, and say its number.

    asked: what `confine` takes, and "environment" and "arguments", the server's.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    answer = os.dup(1)
    os.dup2(2, 1)
    me = os.getpid()
    try:
        number = confine(asked)
    except OSError:
        if os.getpid() == me:  # not in the other, which was told of
            os.write(answer, b"0\n")  # else the hub would wait
        raise
    if number:
        os.write(answer, f"{number}\n".encode())
        os._exit(0)
    os.close(answer)
    os.setsid()
    os.environ.clear()
    os.environ.update(asked["environment"])
    from tools.classroom import learner  # now that it finds the learner's places

    learner.main(asked["arguments"])


def run(asked: dict, command: list[str]) -> None:
    """Run a command in a server's place, to its end; if this is killed, so is that."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in STOPS}
    if number := confine(asked):
        _, status = os.waitpid(number, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    for each, what in before.items():
        signal.signal(each, what)
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.prctl(uapi.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    os.execvp(command[0], command)


def main(arguments: list[str]) -> None:
    """Serve the hub; or, with what `confine` takes as JSON and a command, run that, confined."""
    if arguments:
        return run(json.loads(arguments[0]), arguments[1:])
    quick.without_grammars()
    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there is never looked at again, so it stays shared
    # Servers become this one's children, and nobody waits for them.
    check(ctypes.CDLL(None, use_errno=True).prctl(uapi.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        if os.fork() == 0:
            return serve(json.loads(line))
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
