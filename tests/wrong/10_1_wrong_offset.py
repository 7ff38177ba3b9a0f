KILL_PROCESS = 0x80000000
guard = (
    instruction(LOAD, 8)
    + instruction(JUMP_IF_EQUAL, HERE, jt=1, jf=0)
    + instruction(RETURN, KILL_PROCESS)
    + refuse(BPF)
)
