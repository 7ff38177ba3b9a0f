"""./course test --on SUITE: the tests in a bare Debian of another release than this machine's.

`settings` gathers how this machine reaches its packages, `roots` makes the root file system and
enters it (enter.sh), `inside` reports from in there, `results` keeps the table of machines.
"""
