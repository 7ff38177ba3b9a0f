def busiest(before, after, seconds):
    number = after.argmax()
    return name_of(number), (after[number] - before[number]) / seconds
