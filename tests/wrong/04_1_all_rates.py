def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return protocols.name(rates.argmax()), rates
