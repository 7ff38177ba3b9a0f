code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=-14)
code += instruction(0x95) + instruction(0x95)
