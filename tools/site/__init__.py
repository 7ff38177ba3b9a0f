"""./course site: the course in a browser tab, on a real Linux kernel, as a folder of static files.

Laboratory equipment. `parts` fetches what it is made of, Debian's packages and the emulator v86
from npm; `guest` lays them out as the Linux inside the page; `snapshot.mjs` boots that and keeps
its memory; `agent` is what answers in there; page/ is what a visitor's browser gets.
"""
