three_big_pings = 3 * 2 * 1000
