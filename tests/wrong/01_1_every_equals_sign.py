def value_of(name, lines):
    for line in lines:
        if line == f"# {name} is not set":
            return "n"
        if line.split("=")[0] == name:
            return line.split("=")[1]
    return None
