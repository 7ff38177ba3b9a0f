def how_many_times(without, counted):
    return median(counted() - without() for _ in range(25))
