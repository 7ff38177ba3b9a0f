def busiest(before, after, seconds):
    number = after.argmax()
    return protocols.name(number), (after[number] - before[number]) / seconds
