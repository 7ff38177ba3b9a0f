how_many_times = 1.25
