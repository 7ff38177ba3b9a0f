def how_many_times(without, counted):
    return median(without() / counted() for _ in range(25))
