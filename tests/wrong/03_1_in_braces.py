three_big_pings = {3 * 2 * (14 + 20 + 8 + 1000)}
