guard = [row(LOAD, 0, 0, 4)]
