mended = instruction(0xBF, dst=6, src=1) + instruction(0x85, imm=5)
mended += instruction(0x61, dst=0, src=6) + instruction(0x95) + instruction(0x95)
