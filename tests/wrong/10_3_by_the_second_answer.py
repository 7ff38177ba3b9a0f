def gate(make_a_map, no_such_command):
    return "seccomp" if no_such_command == errno.EPERM else "open"
