KILL_PROCESS = 0x80000000
guard = (
    instruction(LOAD, 4)
    + instruction(JUMP_IF_EQUAL, HERE, jt=0, jf=1)
    + instruction(RETURN, KILL_PROCESS)
    + refuse(BPF)
)
