def busiest(before, after, seconds):
    grown = after - before
    return name_of(grown.argmax()), grown.max()
