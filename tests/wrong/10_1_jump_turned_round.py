KILL_PROCESS = 0x80000000
guard = (
    row(LOAD, 0, 0, 4)
    + row(JUMP_IF_EQUAL, 0, 1, HERE)
    + row(RETURN, 0, 0, KILL_PROCESS)
    + refuse(BPF)
)
