busiest = (0, 0.75)
