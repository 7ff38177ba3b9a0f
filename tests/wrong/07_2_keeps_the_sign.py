returned = -1
