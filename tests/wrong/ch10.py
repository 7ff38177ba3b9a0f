# %% 1 a_list -> ?
guard = [row(LOAD, 0, 0, 4)]

# %% 1 another_call -> ?
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(UNAME)
)

# %% 1 jump_turned_round -> ?
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 0, 1, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(BPF)
)

# %% 1 no_architecture -> ?
guard = refuse(BPF)

# %% 1 no_return -> ?
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + row(LOAD, 0, 0, 0)
    + row(JUMP_IF_EQUAL, 0, 1, BPF)
    + row(RETURN, 0, 0, REFUSE)
)

# %% 1 number_first -> ?
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 0)
    + row(JUMP_IF_EQUAL, 0, 1, BPF)
    + row(RETURN, 0, 0, REFUSE)
    + row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + row(RETURN, 0, 0, ALLOW)
)

# %% 1 wrong_offset -> ?
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 8)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(BPF)
)

# %% 2 a_text -> ?
least = {"loader": "CAP_BPF", "listener": "CAP_NET_RAW", "reader": ""}

# %% 2 bpf_for_the_listener -> ?
least = {"loader": {"CAP_BPF"}, "listener": {"CAP_BPF"}, "reader": set()}

# %% 2 bpf_for_the_reader -> ?
least = {"loader": {"CAP_BPF"}, "listener": {"CAP_NET_RAW"}, "reader": {"CAP_BPF"}}

# %% 2 everything_for_the_loader -> ?
least = {"loader": {"CAP_BPF", "CAP_NET_RAW"}, "listener": {"CAP_NET_RAW"}, "reader": set()}

# %% 2 no_names -> ?
least = [{"CAP_BPF"}, {"CAP_NET_RAW"}, set()]

# %% 2 numbers -> ?
least = {"loader": {39}, "listener": {13}, "reader": set()}

# %% 2 reader_forgotten -> ?
least = {"loader": {"CAP_BPF"}, "listener": {"CAP_NET_RAW"}, "reader": None}

# %% 2 sys_admin -> ?
least = {"loader": {"CAP_SYS_ADMIN"}, "listener": {"CAP_NET_RAW"}, "reader": set()}

# %% 2 unknown_name -> ?
least = {"loader": {"BPF"}, "listener": {"CAP_NET_RAW"}, "reader": set()}

# %% 3 a_list -> ?
def gate(make_a_map, no_such_command):
    return ["open" if make_a_map == 0 else "capability"]

# %% 3 by_the_first_answer -> ?
def gate(make_a_map, no_such_command):
    return "open" if make_a_map == 0 else "capability"

# %% 3 by_the_second_answer -> ?
def gate(make_a_map, no_such_command):
    return "seccomp" if no_such_command == errno.EPERM else "open"

# %% 3 turned_round -> ?
def gate(make_a_map, no_such_command):
    if make_a_map == 0:
        return "open"
    return "capability" if no_such_command == errno.EPERM else "seccomp"

# %% 3 wrong_name -> ?
def gate(make_a_map, no_such_command):
    return gates[make_a_map, no_such_command]
