def busiest(before, after, seconds):
    rates = rate(after, before, seconds)
    return protocols.name(rates.argmax()), rates.max()
