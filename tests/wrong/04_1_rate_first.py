def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    number = rates.argmax()
    return rates[number], protocols.name(number)
