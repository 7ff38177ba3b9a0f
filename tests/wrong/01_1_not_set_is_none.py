def value_of(name, lines):
    for line in lines:
        if line.startswith(name + "="):
            return line.partition("=")[2]
    return None
