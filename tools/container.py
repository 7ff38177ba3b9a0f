"""The entry point of the course's image: give up what is not needed, say what works, and start.

    lab [jupyter options]   JupyterLab on the course, with a token (the default)
    doctor, demo            as ./course does
    reset NN, diff NN, progress   as ./course does
    COMMAND ...             any other command, with the same rights

Laboratory equipment. Chapter 10 takes apart what a container may do, and who says so. Inside, the
course runs as the user learner, who can do nothing but what these capabilities allow.
Source: capabilities(7), setpriv(1).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from pathlib import Path

from helpers import capabilities, netlab, probes
from helpers.errors import CourseError
from helpers.netlab import own_lo
from helpers.toolchain import COURSE
from tools import lab, privileges

MODULE = "tools.container"
VERBS = {"doctor": "doctor", "demo": "demo", "reset": "workspace"}
VERBS |= {verb: verb for verb in ("diff", "progress")}
USER = "learner"
# Where the course writes. In the image everybody may, as in /tmp.
WRITTEN = (COURSE / "work", COURSE / "build", Path("/home/learner"), Path("/tmp"))
READ_ONLY = (
    "the container's file system is read-only: add --tmpfs /tmp --tmpfs /home/learner "
    "--tmpfs /course/build -v course-work:/course/work"
)
NO_TOKEN = (
    "JupyterLab without a token would let every page that your browser visits run commands here: "
    "leave that option out."
)
LISTEN = "0A"  # a socket's state in /proc/net/tcp


def kept(permitted: int) -> int:
    """What the learner gets of the capabilities that the container was given.

    CAP_NET_ADMIN, for addresses, firewalls and XDP, reaches no further than the container's
    network (which --network host makes the host's). CAP_SYS_ADMIN is passed on only where it has
    to stand in for CAP_BPF, and CAP_PERFMON never: with it the verifier is lenient.
    """
    wanted = capabilities.mask("CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_BPF")
    if not permitted & capabilities.mask("CAP_BPF"):
        wanted |= capabilities.mask("CAP_SYS_ADMIN")
    return permitted & wanted


def becoming_learner(permitted: int) -> list[str]:
    """The command with which root becomes the learner and keeps nothing but what is needed."""
    names = privileges.for_setpriv(kept(permitted))
    command = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "--no-new-privs"]
    if names:
        command += ["--inh-caps", names, "--ambient-caps", names]
    if permitted & capabilities.mask("CAP_SETPCAP"):
        command += ["--bounding-set", ",".join(filter(None, ("-all", names)))]
    return command


def what_works(permitted: int) -> str:
    """One line on what this container allows, and the cure for what it does not."""
    answer = probes.access()
    if answer == "user namespace":
        return "No BPF here: this container's root is not the machine's. Run the engine as root."
    if answer == "no system call":
        return "No BPF here: this kernel, or a sandbox around it, has no bpf(2)."
    if answer != "works":
        why = "seccomp filter refuses bpf(2)" if answer == "seccomp" else f"{answer} is missing"
        return (
            f"No BPF here ({why}): start the container with --privileged, or with "
            "--cap-add BPF, and without --user. Podman: add --cap-add SYS_ADMIN and NET_RAW, too."
        )
    try:
        with netlab.open_network() as net:
            kind, private = net.kind, net.private
    except CourseError as error:
        return f"BPF works, a network does not: {error}"
    if not private:
        return "BPF works; on the host's network other traffic is counted too: add --privileged."
    if not permitted & capabilities.mask("CAP_NET_ADMIN"):
        limits = "addresses, firewalls and XDP need --cap-add NET_ADMIN as well"
    elif kind == "own lo":
        limits = "a second network needs --privileged"
    else:
        return "BPF works, in private networks."
    where = "on the container's own lo, one notebook at a time" if kind == "own lo" else "privately"
    return f"BPF works, {where}; {limits}."


def refusal() -> str | None:
    """Why nothing can be written here, and the cure; None if it can."""
    closed = [folder for folder in WRITTEN if not os.access(folder, os.W_OK)]
    if not closed:
        return None
    if os.statvfs(closed[0]).f_flag & os.ST_RDONLY:
        return f"{READ_ONLY}."
    return (
        f"user {os.getuid()} may not write to {closed[0]}: mount a volume there, or a folder that "
        f"belongs to that user (chown {os.getuid()} FOLDER)."
    )


def start_lab(arguments: list[str]) -> None:
    """Become JupyterLab: reachable from outside the container, never without a token."""
    if re.search(r"\.token[=\0]\W*(\0|$)", "\0".join(arguments)):
        sys.exit(f"course: {NO_TOKEN}")
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    os.environ["JUPYTER_TOKEN"] = token
    if own_lo.machine_wide():  # the host's network: reachable from there, and from nowhere else
        address, port = "127.0.0.1", str(lab.free_port(lab.FIRST_PORT))
    else:  # what -p publishes, under the same number inside and outside
        address, port = "0.0.0.0", os.environ.get("COURSE_PORT", str(lab.FIRST_PORT))
    options = [f"--ip={address}", f"--port={port}", "--ServerApp.port_retries=0"]
    options.append("--ServerApp.allow_remote_access=False")  # only as 127.0.0.1 or localhost
    page = f"http://127.0.0.1:{port}{lab.FIRST_PAGE}?token={token}"
    told = "JupyterLab starts. Open this address in a browser; Ctrl-C twice stops it."
    lab.main([*options, *arguments], f"{told}\n\n    {page}\n")


def start(verb: str, *arguments: str) -> None:
    """Start what was asked for, as whoever this process is by now."""
    if verb == "lab":
        if reason := refusal():
            sys.exit(f"course: {reason}")
        print(what_works(capabilities.permitted()), flush=True)
        start_lab(list(arguments))
    module = [sys.executable, "-m", f"tools.{VERBS.get(verb)}"]
    command = [*(module if verb in VERBS else [verb]), *arguments]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"course: {command[0]} cannot be started ({error.strerror}).")


def unhealthy(proc: Path = Path("/proc")) -> str | None:
    """Why JupyterLab is not well: it does not listen, or leaves callers waiting. None if it is.

    Looked up, not tried: a request would pass over lo, where the course counts.
    """
    runtime = Path(os.environ["JUPYTER_RUNTIME_DIR"])
    ports = [json.loads(path.read_text())["port"] for path in runtime.glob("jpserver-*.json")]
    tables = [proc / "thread-self/net" / name for name in ("tcp", "tcp6")]
    lines = "".join(path.read_text() for path in tables if path.exists()).splitlines()
    for _, local, _, state, queues, *_ in (line.split() for line in lines if ": " in line):
        if state == LISTEN and int(local.rpartition(":")[2], 16) in ports:
            waiting = int(queues.rpartition(":")[2], 16)
            return f"JupyterLab lets {waiting} callers wait" if waiting else None
    return "JupyterLab does not listen"


def main(arguments: list[str]) -> None:
    permitted = capabilities.permitted()
    become = capabilities.mask("CAP_SETUID", "CAP_SETGID")
    if arguments[:1] == ["healthy"]:
        sys.exit(unhealthy())
    if arguments[:1] == ["as-learner"]:
        start(*arguments[1:])
    if os.geteuid() == 0 and not become & ~permitted:
        command = [*becoming_learner(permitted), "--", sys.executable, "-m", MODULE, "as-learner"]
        os.execvp(command[0], [*command, *arguments])
    start(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:] or ["lab"])
