returned = 2**32 - 1
