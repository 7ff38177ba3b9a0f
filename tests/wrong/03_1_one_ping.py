three_big_pings = 2 * (14 + 20 + 8 + 1000)
