def value_of(name, lines):
    for line in lines:
        if line.startswith(name + "="):
            print(line.partition("=")[2])
        elif line == f"# {name} is not set":
            print("n")
