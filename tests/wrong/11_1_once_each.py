def how_many_times(without, counted):
    base = without()
    return counted() / base
