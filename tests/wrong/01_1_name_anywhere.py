def value_of(name, lines):
    for line in lines:
        if name in line:
            return "n" if "is not set" in line else line.split("=", 1)[1]
    return None
