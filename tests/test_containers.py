"""The image, built and run for real, in every way that docs/containers.md names; their table.

What works in which way is tried inside, by tests/inside/ways.py, and written to
chapters/ch10/ways_to_run.json, which chapter 10 shows.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import engines
import pytest
from engines import WITH_TESTS, Engine
from stored import COURSE, NOTEBOOKS

from tools import image

pytestmark = [
    pytest.mark.containers,
    pytest.mark.timeout(1800),  # every notebook, on a busy machine
]

TABLE = COURSE / "chapters" / "ch10" / "ways_to_run.json"
UNCONFINED = "--cap-add BPF --cap-add NET_ADMIN --security-opt seccomp=unconfined"
READ_ONLY = "--read-only --tmpfs /tmp --tmpfs /home/learner --tmpfs /course/build"
EVERYTHING = {
    "user": 1000,
    "bpf": "works",
    "network": "user namespace",
    "addresses": True,
    "xdp": True,
}
NO_XDP = EVERYTHING | {"xdp": False}
OWN_LO = NO_XDP | {"network": "own lo", "addresses": False}
REFUSED = {"xdp": False}
# Engine, flags, and what is expected to work.
WAYS = [
    ("docker", "--privileged", EVERYTHING),
    ("docker", "--cap-add BPF", OWN_LO),
    ("docker", "--cap-add BPF --cap-add NET_ADMIN", EVERYTHING | {"network": "own lo"}),
    ("docker", UNCONFINED, EVERYTHING),
    ("docker", "", OWN_LO | {"bpf": "seccomp"}),
    ("docker", "--privileged --network none", EVERYTHING),
    ("docker", "--privileged --network host", EVERYTHING),
    ("docker", "--cap-add BPF --network host", OWN_LO | {"network": "shared lo"}),
    ("docker", f"--privileged {READ_ONLY}", EVERYTHING),
    ("docker", "--privileged --user 1000", NO_XDP | {"bpf": "capability"}),
    (
        "docker",
        "--cap-drop ALL",
        REFUSED | {"user": 0, "bpf": "seccomp", "network": "none", "addresses": False},
    ),
    ("podman", "--privileged", EVERYTHING),
    ("podman", "--cap-add BPF --cap-add NET_RAW", NO_XDP | {"bpf": "seccomp"}),
    ("podman", "--cap-add BPF --cap-add NET_RAW --cap-add SYS_ADMIN", NO_XDP),
    ("podman", "--cap-add BPF --cap-add NET_RAW --security-opt seccomp=unconfined", NO_XDP),
    ("podman", "", NO_XDP | {"bpf": "seccomp"}),
]
FULL = pytest.mark.containers("full")
# In these every notebook that there is is run, and with =full only; or three of part one.
CHAPTERS = [
    ("docker", "--privileged", []),
    ("docker", "--cap-add BPF", []),
    ("docker", "", []),
    ("docker", "--cap-add BPF", ["03", "04"]),
    ("podman", "--cap-add BPF --cap-add NET_RAW --cap-add SYS_ADMIN", ["03", "04", "05"]),
]
# Podman's three stand in the table as they are, docker's by every notebook.
IN_TABLE = [item for item in CHAPTERS if not item[2] or item[0] == "podman"]
PART_ONE = ("00", "01", "02", "03", "04", "05")
# What stops where bpf(2) is refused: chapters 01 and 02 do without.
NEED_BPF = {"00", "03", "04", "05"}
# Not run inside. The notebooks are executed above, and nothing is measured.
# These hold drawn programs and random packets against the kernel for minutes, and it is the same
# kernel that they have outside; and these boot kernels, or read one's source, or set up a machine.
NOT_INSIDE = (
    *("debian", "first_start", "newest", "package_sources", "setup"),
    *("notebooks", "bench"),
    *("cbpf_truth", "machine_kernel", "fuzz_protocols"),
    *("kernel_matrix", "kernel_sample", "kernels", "processors"),
    # What the image does not bring: the docs, JupyterHub, slides, the site.
    *("board_alone", "bundle", "handout", "site", "slides", "teaching"),
    *("classroom", "classroom_board", "classroom_load", "classroom_separation"),
)
# Run where part one is all that is promised.
PART_ONE_TESTS = ("bcc", "counters", "doctor", "kernel", "live", "loader", "road")
# Why a kernel test may be skipped inside: the learner lacks CAP_SYS_ADMIN and CAP_PERFMON.
FOR_ROOT = {
    "asking for a program needs CAP_SYS_ADMIN",
    "XDP, tc, pinning and drop reasons are for root",
    "XDP and tc are for root",
    "this process does not hold CAP_PERFMON",
    "tracepoints are for those with CAP_PERFMON",
    "tracefs is root's to mount",
    "only root starts something as another user",
    "this process does not hold CAP_SYS_ADMIN, CAP_PERFMON",
    "this process may not load programs at tc, at XDP and at tracepoints",
}
OWN_LO_ONLY = "needs a network namespace, and here is own lo only"
NOT_TESTED = [
    "Docker Desktop on macOS and on Windows",
    "Docker in WSL2",
    "podman without root: bpf(2) is refused in a user namespace, whatever the flags",
    "Linux on arm64",
]
NAMES = engines.reached()
rows: dict[tuple[str, str], dict] = {}


def way(item: tuple) -> str:
    only = " ".join(item[2]) if len(item) == 3 and isinstance(item[2], list) else ""
    return f"{item[0]} {item[1] or 'without flags'} {only}".strip()


def of_reached(items: list[tuple]) -> pytest.MarkDecorator:
    """Parametrize by those items whose engine answers on this machine."""
    found = [
        pytest.param(item, id=way(item), marks=FULL if item[2:] == ([],) else [])
        for item in items
        if item[0] in NAMES
    ]
    return pytest.mark.parametrize("item", found)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    """The engines, with the image built or loaded."""
    if not NAMES:
        pytest.fail("There is no container engine here: install docker or podman, and start it.")
    found: dict[str, Engine] = {}
    if "docker" in NAMES:
        found["docker"] = engines.docker()
    if "podman" in NAMES:
        folder = tmp_path_factory.mktemp("podman")
        found["podman"] = engines.podman(folder, list(found.values()))
    yield found
    if found.get("docker") and found["docker"].network:
        found["docker"]("network", "rm", engines.NETWORK)


@pytest.fixture
def engine(reached: dict[str, Engine]) -> Engine:
    return next(iter(reached.values()))


@pytest.fixture
def started(engine: Engine) -> Iterator[Callable[..., str]]:
    """Start a container that goes on, by the course's own command; its name."""
    names: list[str] = []

    def start(*flags: str, of: str = image.NAME) -> str:
        name = f"course-test-{os.getpid()}-{len(names)}"
        command = image.run_command(engine.name, ["-d", "--name", name, *engine.network, *flags])
        engine.must(*[of if word == image.NAME else word for word in command[1:]])
        names.append(name)
        return name

    yield start
    for name in names:
        engine("rm", "-f", name)


def wait_for(condition: Callable[[], object], seconds: float = 60) -> float:
    """Wait until it is true; how many seconds that took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - begin


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def status(port: str, path: str = "/lab", host: str = "127.0.0.1", name: str = "") -> int:
    """The answer to a request; 0 if nobody listens."""
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", path, headers={"Host": name} if name else {})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@of_reached(WAYS)
def test_what_works(reached: dict[str, Engine], item: tuple) -> None:
    name, flags, expected = item
    result = reached[name].run(flags.split(), "python", "tests/inside/ways.py")
    found = json.loads(result.stdout.splitlines()[-1])
    rows[name, flags] = {"engine": name, "flags": flags or "none"} | found
    assert {key: found[key] for key in expected} == expected
    private = found["network"] in ("user namespace", "own lo")
    assert found["exact"] == (private and found["bpf"] == "works")
    without = ("--network none", "--cap-drop ALL", "--user")  # no interface, or no CAP_NET_RAW
    own = "none" if any(each in flags for each in without) else "the container's"
    assert found["interfaces"] == ("the host's" if "host" in flags else own)


@of_reached(CHAPTERS)
def test_every_notebook_runs_or_stops_at_one_sentence(
    reached: dict[str, Engine], item: tuple
) -> None:
    name, flags, numbers = item
    result = reached[name].run(flags.split(), "python", "tests/inside/every_chapter.py", *numbers)
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    wanted = [path.stem for path in NOTEBOOKS if path.name.startswith(tuple(numbers or [""]))]
    assert [each["chapter"] for each in found] == wanted
    stopped = {each["chapter"]: each for each in found if "error" in each}
    assert all(each["lines"] == 1 for each in stopped.values()), stopped
    if item in IN_TABLE:
        rows.setdefault((name, flags), {})["stopped"] = {
            chapter: each["says"] for chapter, each in stopped.items()
        }
    if "--privileged" in flags:
        assert not stopped
    elif flags:
        assert not any(chapter.startswith(PART_ONE) for chapter in stopped)
    else:
        assert {chapter[:2] for chapter in stopped} >= NEED_BPF
        cures = ("./course doctor", "--cap-add BPF", "chapter 00, row network,")
        said = {name: each["says"] for name, each in stopped.items()}
        assert {n: says for n, says in said.items() if not any(c in says for c in cures)} == {}


@FULL
@of_reached([("docker", "--privileged"), ("docker", "--cap-add BPF")])
def test_the_kernel_tests_pass_inside(reached: dict[str, Engine], item: tuple) -> None:
    name, flags = item
    everything = flags == "--privileged"
    chosen = (
        [f"--ignore=tests/test_{each}.py" for each in NOT_INSIDE]
        if everything
        else ["-n", "0", *(f"tests/test_{each}.py" for each in PART_ONE_TESTS)]  # one lo for all
    )
    kind = "kernel and not browser"  # none is there
    command = ["python", "-m", "pytest", "-m", kind, "-p", "no:cacheprovider", *chosen]
    result = reached[name].run(["--env", "COLUMNS=300", *flags.split()], *command)
    assert result.returncode == 0, result.stdout[-5000:]
    reasons = {line.split(": ", 1)[1] for line in re.findall("^SKIPPED.*", result.stdout, re.M)}
    assert reasons <= (FOR_ROOT if everything else FOR_ROOT | {OWN_LO_ONLY})
    passed, skipped = (
        int((re.search(rf"(\d+) {word}", result.stdout) or [0, 0])[1])
        for word in ("passed", "skipped")
    )
    assert passed > 5 * skipped


def test_without_flags_the_report_names_the_gate_and_the_cure(engine: Engine) -> None:
    result = engine.run([], "doctor", of=WITH_TESTS)
    assert result.returncode == 1
    assert re.search(r"^missing +bpf\(2\) +refused: seccomp$", result.stdout, re.MULTILINE)
    assert "Start the container with --cap-add BPF" in result.stdout
    result = engine.run(["--privileged"], "doctor")
    assert result.returncode == 0
    assert result.stdout.endswith("The course can run for real here.\n")


@pytest.mark.parametrize(
    ("flags", "command", "sentence"),
    [
        ("--read-only", "lab", "the container's file system is read-only: add --tmpfs /tmp "),
        ("--tmpfs /course/work:mode=700", "lab", "user 1000 may not write to /course/work: mount"),
        ("", "lab --IdentityProvider.token=", "JupyterLab without a token would let every page"),
        ("", "lab --ServerApp.token=''", "JupyterLab without a token would let every page"),
        ("", "no-such-command", "no-such-command cannot be started (No such file or directory)"),
    ],
)
def test_what_cannot_start_ends_in_a_sentence(
    engine: Engine, flags: str, command: str, sentence: str
) -> None:
    result = engine.run(flags.split(), *command.split())
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(f"course: {sentence}")


def test_the_page_is_reached_from_this_machine_with_the_token_only(engine, started) -> None:
    port = free_port()
    begin = time.monotonic()
    name = started("--port", port)
    wait_for(lambda: status(port) == 302)
    rows.setdefault((engine.name, "--privileged"), {})["seconds to the page"] = round(
        time.monotonic() - begin, 1
    )
    said = engine.must("logs", name)
    address = rf"http://127\.0\.0\.1:{port}(/lab/tree/00_start_here\.ipynb\?token=(\w{{48}}))$"
    ((path, token),) = re.findall(address, said, re.MULTILINE)
    assert said.startswith("BPF works, in private networks.\n")
    assert status(port, "/api/contents") == 403
    assert status(port, "/api/contents?token=wrong") == 403
    assert status(port, f"/api/contents?token={token}") == 200
    assert status(port, path) == 200
    # A page elsewhere that has its own name lead here would send that name.
    assert status(port, path, name=f"elsewhere.example:{port}") == 403
    here = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for other in here - {"127.0.0.1"}:
        assert status(port, host=other) == 0
    wait_for(lambda: health(engine, name) == "healthy")


def health(engine: Engine, name: str) -> str:
    field = {"docker": ".State.Health.Status", "podman": ".State.Healthcheck.Status"}
    return engine.must("inspect", "--format", f"{{{{{field[engine.name]}}}}}", name)


SIGNAL = r"""
import os, pathlib, signal, sys
for path in pathlib.Path("/proc").glob("[0-9]*"):
    if b"\0-m\0jupyterlab\0" in (path / "cmdline").read_bytes():
        os.kill(int(path.name), getattr(signal, sys.argv[1]))
        print(path.name, (path / "status").read_text())
"""


def test_jupyter_is_the_learner_with_three_capabilities_and_its_health_is_seen(
    engine, started
) -> None:
    port = free_port()
    name = started("--port", port)
    wait_for(lambda: engine("exec", name, "course", "healthy").returncode == 0)
    told = engine.must("exec", name, "python", "-c", SIGNAL, "SIGSTOP")
    values = dict(re.findall(r"^(\w+):\s*(.*)$", told, re.MULTILINE))
    assert set(values["Uid"].split()) == {"1000"}
    net_admin_net_raw_bpf = f"{1 << 12 | 1 << 13 | 1 << 39:016x}"
    for which in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        assert values[f"Cap{which}"] == net_admin_net_raw_bpf
    assert values["NoNewPrivs"] == "1"
    # Stopped, it leaves callers waiting.
    with socket.create_connection(("127.0.0.1", int(port))):
        wait_for(lambda: engine("exec", name, "course", "healthy").returncode == 1)
        said = engine("exec", name, "course", "healthy").stderr
        assert said.startswith("JupyterLab lets") and "wait" in said
        engine.must("exec", name, "python", "-c", SIGNAL, "SIGCONT")
        wait_for(lambda: engine("exec", name, "course", "healthy").returncode == 0)
    with subprocess.Popen([engine.name, "wait", name], stdout=subprocess.PIPE, text=True) as wait:
        engine.must("stop", "-t", "30", name)
        assert wait.stdout.read().strip() != "137"  # it ended by itself, and was not killed
    assert status(port) == 0


HOLD = """
import os, pathlib, sys
from helpers import loader, netlab, sockets, toolchain
loaded = loader.load(toolchain.compile_bpf("sockex1_kern.c"))
net = netlab.open_network()
sock = sockets.packet_socket(net, loaded.program("count_bytes").fd)
ids = [
    line.split()[1]
    for fd in (loaded.program("count_bytes").fd, loaded.map("bytes_by_protocol").fd)
    for line in pathlib.Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()
    if line.startswith(("prog_id", "map_id"))
]
space = net.run(["readlink", "/proc/self/ns/net"]).stdout.strip()
print(*ids, space, pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="listing programs needs CAP_SYS_ADMIN")
@pytest.mark.parametrize("flags", ["--privileged", "--cap-add BPF"])
def test_a_killed_container_leaves_nothing_in_the_kernel(engine, flags) -> None:
    name = f"course-test-{os.getpid()}-held"
    command = [engine.name, "run", "--rm", "-i", "--name", name, *engine.network, *flags.split()]
    with subprocess.Popen(
        [*command, image.NAME, "python", "-c", HOLD],
        env=os.environ | engine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as held:
        program, *maps, space, boot = held.stdout.readline().split()
        if boot != Path("/proc/sys/kernel/random/boot_id").read_text().strip():
            pytest.skip("the engine is on another machine")
        assert exists("prog", program)
        assert all(exists("map", each) for each in maps)
        assert space in spaces()
        engine.must("kill", name)
        held.stdin.close()
        held.wait()
    wait_for(lambda: not exists("prog", program), 20)
    wait_for(lambda: not any(exists("map", each) for each in maps), 20)
    wait_for(lambda: space not in spaces(), 20)


def exists(what: str, number: str) -> bool:
    shown = subprocess.run(["bpftool", what, "show", "id", number], capture_output=True)
    return shown.returncode == 0


def spaces() -> set[str]:
    """The network namespaces that some process of this machine is in."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):  # it has ended
            found.add(str(path.readlink()))
    return found


def test_the_editors_container_is_its_root_and_everything_works(engine) -> None:
    editor = json.loads((COURSE / ".devcontainer/devcontainer.json").read_text())
    flags = [f"--cap-add={each}" for each in editor["capAdd"]]
    flags += [f"--security-opt={each}" for each in editor["securityOpt"]]
    flags += ["--init", "--user", editor["remoteUser"], "--entrypoint", "python"]
    result = engine.run(flags, "tests/inside/ways.py")
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["exact"]
    expected = EVERYTHING | {"user": 0}
    assert {key: found[key] for key in expected} == expected


def test_on_a_read_only_file_system_it_starts_all_the_same(engine, started) -> None:
    name = started(*READ_ONLY.split(), "-v", "/course/work", "--privileged")
    wait_for(lambda: engine("exec", name, "course", "healthy").returncode == 0)


def test_work_outlives_its_container(engine, started) -> None:
    volume = f"course-test-{os.getpid()}"
    mount = ["-v", f"{volume}:/course/work"]
    try:
        engine.must("run", "--rm", *mount, image.NAME, "sh", "-c", "echo mine >/course/work/notes")
        assert engine.must("run", "--rm", *mount, image.NAME, "cat", "/course/work/notes") == "mine"
    finally:
        engine("volume", "rm", volume)


INSIDE = """
for gone in /course/.git /course/tests /opt/venv/bin/pip /usr/bin/pip3 /root/.cache /tmp/*
do [ ! -e "$gone" ] || echo "left: $gone"; done
find / -xdev \\( -name '*.deb' -o -path '/var/lib/apt/lists/*' -type f \\) -print
find /course -xdev -writable ! -path '/course/work*' ! -path '/course/build*' -print
du -sm "$BCC_KERNEL_SOURCE" | cut -f1
"""


def test_nothing_of_the_build_is_left_and_the_size_is_kept(engine) -> None:
    megabytes = engine.must("run", "--rm", image.NAME, "sh", "-c", INSIDE)
    assert int(megabytes) <= 55
    size = int(engine.must("image", "inspect", "--format", "{{.Size}}", image.NAME))
    assert size < 1.1e9
    rows.setdefault((engine.name, "--privileged"), {})["megabytes"] = size // 10**6


@pytest.mark.skipif("docker" not in NAMES, reason="docker built the image")
def test_an_edited_notebook_changes_the_last_layer_only(reached, tmp_path) -> None:
    engine = reached["docker"]
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "LICENSE"):
        shutil.copy(COURSE / name, tmp_path)
    for name in ("LICENSES", "bpf", "helpers", "chapters", "tools", "notebooks"):
        shutil.copytree(COURSE / name, tmp_path / name)
    chapter = tmp_path / "notebooks" / NOTEBOOKS[0].name
    chapter.write_text(chapter.read_text() + "\n")
    outside = [] if engine.has_network else ["--network=host"]
    edited = f"{image.NAME}-edited"
    engine.must("build", *outside, "-t", edited, str(tmp_path))
    before, after = engines.layers(engine, image.NAME), engines.layers(engine, edited)
    engine.must("rmi", edited)
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


def test_a_port_that_is_taken_is_a_sentence(engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        result = engine.course("run", "--port", port, *engine.network)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"course: Port {port} is taken: choose another one, ./course image run --port 8889."
    )


def test_a_base_image_that_cannot_be_pulled_is_a_sentence(engine) -> None:
    result = engine.course("build", "--build-arg", "BASE=127.0.0.1:9/none:none")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("course: The base image cannot be pulled: ")


def test_the_course_starts_what_it_is_told(engine) -> None:
    result = engine.course("run", *engine.network, "--", "demo")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[1:][-1] == "TCP 0 UDP 0 ICMP 784 bytes"


def test_the_table_is_written(reached: dict[str, Engine]) -> None:
    """Last: what was found above, if it was all looked for."""
    wanted = [item[:2] for item in WAYS if item[0] in NAMES]
    run = [item[:2] for item in IN_TABLE if item[0] in NAMES]
    missing = [key for key in wanted if "bpf" not in rows.get(key, {})]
    missing += [key for key in run if "stopped" not in rows.get(key, {})]
    if missing:
        pytest.skip("only some of the ways were tried, and half a table would be worse than none")
    table = {
        "kernel": next(iter(reached.values())).run([], "uname", "-r").stdout.strip(),
        "engines": {name: each.version for name, each in reached.items()},
        "ways": [rows[key] for key in wanted],
        "not tested": [*NOT_TESTED, *(name for name in ("docker", "podman") if name not in NAMES)],
    }
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
    assert json.loads(TABLE.read_text()) == table


if __name__ == "__main__":
    sys.exit("Run ./course image test.")
