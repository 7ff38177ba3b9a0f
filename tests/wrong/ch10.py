# %% 1 a_list -> each is eight bytes, joined by +
guard = [LOAD, 0, 0, 4]

# %% 1 another_call -> it is to be refused
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(UNAME)
)

# %% 1 jump_turned_round -> it is to be refused
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 0, 1, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(BPF)
)

# %% 1 no_architecture -> such a process is to be killed
guard = refuse(BPF)

# %% 1 no_return -> out of the filter
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + row(LOAD, 0, 0, 0)
    + row(JUMP_IF_EQUAL, 0, 1, BPF)
    + row(RETURN, 0, 0, REFUSE)
)

# %% 1 number_first -> such a process is to be killed
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

# %% 1 wrong_offset -> it is to be refused
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 8)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(BPF)
)

# %% 1 lets_nothing_through -> let it through
KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 1, 0, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + row(RETURN, 0, 0, REFUSE)
)

# %% 1 right: written out, and killing last
KILL_PROCESS = 0x80000000
guard = [
    row(LOAD, 0, 0, 4),
    row(JUMP_IF_EQUAL, 0, 4, HERE),
    row(LOAD, 0, 0, 0),
    row(JUMP_IF_EQUAL, 0, 1, BPF),
    row(RETURN, 0, 0, REFUSE),
    row(RETURN, 0, 0, ALLOW),
    row(RETURN, 0, 0, KILL_PROCESS),
]

# %% 2 a_text -> needs a set of names
least = {"loader": "CAP_BPF", "listener": "CAP_NET_RAW", "reader": ""}

# %% 2 bpf_for_the_listener -> and was refused something
least = {"loader": {"CAP_BPF"}, "listener": {"CAP_BPF"}, "reader": set()}

# %% 2 bpf_for_the_reader -> works without
least = {"loader": {"CAP_BPF"}, "listener": {"CAP_NET_RAW"}, "reader": {"CAP_BPF"}}

# %% 2 everything_for_the_loader -> works without
least = {"loader": {"CAP_BPF", "CAP_NET_RAW"}, "listener": {"CAP_NET_RAW"}, "reader": set()}

# %% 2 no_names -> Give a set for each
least = [{"CAP_BPF"}, {"CAP_NET_RAW"}, set()]

# %% 2 numbers -> needs a set of names
least = {"loader": {39}, "listener": {13}, "reader": set()}

# %% 2 reader_forgotten -> needs a set of names
least = {"loader": {"CAP_BPF"}, "listener": {"CAP_NET_RAW"}, "reader": None}

# %% 2 sys_admin -> half of root's powers
least = {"loader": {"CAP_SYS_ADMIN"}, "listener": {"CAP_NET_RAW"}, "reader": set()}

# %% 2 unknown_name -> There is no BPF among the names
least = {"loader": {"BPF"}, "listener": {"CAP_NET_RAW"}, "reader": set()}

# %% 2 right: other kinds of sets, and small letters
least = {"loader": ["cap_bpf"], "listener": frozenset({"CAP_NET_RAW"}), "reader": ()}

# %% 3 a_list -> it says
def gate(make_a_map, no_such_command):
    return ["open" if make_a_map == 0 else "capability"]

# %% 3 by_the_first_answer -> For EPERM and EPERM it says 'capability'
def gate(make_a_map, no_such_command):
    return "open" if make_a_map == 0 else "capability"

# %% 3 by_the_second_answer -> For EPERM and EINVAL it says 'open'
def gate(make_a_map, no_such_command):
    return "seccomp" if no_such_command == errno.EPERM else "open"

# %% 3 turned_round -> For EPERM and EPERM it says 'capability'
def gate(make_a_map, no_such_command):
    if make_a_map == 0:
        return "open"
    return "capability" if no_such_command == errno.EPERM else "seccomp"

# %% 3 wrong_name -> It stops with NameError
def gate(make_a_map, no_such_command):
    return gates[make_a_map, no_such_command]

# %% 3 right: a table
def gate(make_a_map, no_such_command):
    answers = {(0, errno.EINVAL): "Open", (errno.EPERM, errno.EPERM): "seccomp"}
    return answers.get((make_a_map, no_such_command), "capability")
