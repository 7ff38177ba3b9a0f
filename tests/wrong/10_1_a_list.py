guard = [instruction(LOAD, 4)]
