def how_many_times(without, counted):
    pairs = [(without(), counted()) for _ in range(25)]
    return sum(c for _, c in pairs) / sum(w for w, _ in pairs)
