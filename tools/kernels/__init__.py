"""The kernel matrix: the course on other kernels than this machine's, in virtual machines.

Laboratory equipment. `fetch` gets Debian's kernels, `machine` boots one with this machine's own
files, `inside` runs in there and reports, `results` keeps the table. ./course test --kernels, that
is tests/test_kernels.py, drives them.
"""
