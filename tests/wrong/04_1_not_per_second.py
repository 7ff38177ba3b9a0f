def busiest(before, after, seconds):
    grown = after - before
    return protocols.name(grown.argmax()), grown.max()
