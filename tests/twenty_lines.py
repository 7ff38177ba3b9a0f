"""JupyterHub's configuration with which the course ran before it had a room of its own: about
twenty lines, which tests/test_classroom_load.py holds the room against. Learners are not apart.
"""

import os
from pathlib import Path

from tools.classroom import install

c = get_config()  # noqa: F821  JupyterHub reads this file and hands it in


def begin(spawner):
    number, home = 80_000 + spawner.user.id, Path.cwd() / spawner.user.name
    for folder in (home, home / "work", home / "run"):
        folder.mkdir(exist_ok=True)
        os.chown(folder, number, number)
    spawner.home_dir = str(home)
    places = {"COURSE_PLACE": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run")}
    spawner.environment = places | {"PATH": os.environ["PATH"]}
    # Not only CAP_BPF, since this Python may lie in a home that is closed to others.
    held = [
        f"--{kind}=-all,+bpf,+dac_read_search"
        for kind in ("inh-caps", "ambient-caps", "bounding-set")
    ]
    user = [f"--reuid={number}", f"--regid={number}", "--clear-groups"]
    spawner.cmd = ["setpriv", *user, *held, "jupyterhub-singleuser"]


c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.bind_url, c.JupyterHub.hub_port = os.environ["ROOM"], int(os.environ["HUB"])
c.ConfigurableHTTPProxy.api_url = os.environ["PROXY"]
c.ConfigurableHTTPProxy.command = install.proxy()
c.Authenticator.allow_all = True
c.Spawner.pre_spawn_hook = begin
c.Spawner.args = ["--KernelManager.transport=ipc"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
