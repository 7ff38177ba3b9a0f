returned = 31
