mended = instruction(0x61, dst=0, src=1, offset=0) + instruction(0x95)
