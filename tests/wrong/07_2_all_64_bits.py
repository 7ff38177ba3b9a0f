returned = 2**36 - 1
