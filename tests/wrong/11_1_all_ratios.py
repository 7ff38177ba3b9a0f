def how_many_times(without, counted):
    return [counted() / without() for _ in range(25)]
