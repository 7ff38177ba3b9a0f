code = instruction(0xB7, dst=0, imm=84) + instruction(0x95)
