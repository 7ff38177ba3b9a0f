def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return rates.argmax(), rates.max()
