def gate(make_a_map, no_such_command):
    return ["open" if make_a_map == 0 else "capability"]
