def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return name_of(rates.argmax()), rates
