"""Every family of filter expressions, ours beside tcpdump's own, on the same packets.

Laboratory equipment. `python -m tools.filters` writes docs/filters.md; tests/test_filters.py runs
the same comparison, and fails where a number differs.
"""
