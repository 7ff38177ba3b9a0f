three_big_pings = 3 * (14 + 20 + 8 + 1000)
