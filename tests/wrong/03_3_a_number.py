address = 6
