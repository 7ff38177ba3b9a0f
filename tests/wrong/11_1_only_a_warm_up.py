def how_many_times(without, counted):
    without(), counted()
    base = without()
    return counted() / base
