def value_of(name, lines):
    for line in lines:
        before, after = line.split("=", 1)
        if before == name:
            return after
    return None
