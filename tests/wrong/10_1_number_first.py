KILL_PROCESS = 0x80000000
guard = (
    instruction(LOAD, 0)
    + instruction(JUMP_IF_EQUAL, BPF, jt=0, jf=1)
    + instruction(RETURN, REFUSE)
    + instruction(LOAD, 4)
    + instruction(JUMP_IF_EQUAL, HERE, jt=1, jf=0)
    + instruction(RETURN, KILL_PROCESS)
    + instruction(RETURN, ALLOW)
)
