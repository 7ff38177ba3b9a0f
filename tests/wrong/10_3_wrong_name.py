def gate(make_a_map, no_such_command):
    return gates[make_a_map, no_such_command]
