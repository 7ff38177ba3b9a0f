def how_many_times(without, counted):
    without(), counted()
    ratios = []
    for _ in range(25):
        base = without()
        ratios.append(counted() / base)
    return sum(ratios) / len(ratios)
