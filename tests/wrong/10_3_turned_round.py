def gate(make_a_map, no_such_command):
    if make_a_map == 0:
        return "open"
    return "capability" if no_such_command == errno.EPERM else "seccomp"
