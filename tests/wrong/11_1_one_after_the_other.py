def how_many_times(without, counted):
    without(), counted()
    bases = [without() for _ in range(25)]
    return median(counted() for _ in range(25)) / median(bases)
