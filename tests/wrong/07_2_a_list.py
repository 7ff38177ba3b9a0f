returned = [15]
