mended = instruction(0x85, imm=5) + instruction(0x95)
