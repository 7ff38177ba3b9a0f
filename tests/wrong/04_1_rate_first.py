def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    number = rates.argmax()
    return rates[number], name_of(number)
