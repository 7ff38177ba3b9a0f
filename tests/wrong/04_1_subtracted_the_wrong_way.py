def busiest(before, after, seconds):
    rates = rate(after, before, seconds)
    return name_of(rates.argmax()), rates.max()
