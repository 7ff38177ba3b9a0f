# %% 1 every_equals_sign -> ?
def value_of(name, lines):
    for line in lines:
        if line == f"# {name} is not set":
            return "n"
        if line.split("=")[0] == name:
            return line.split("=")[1]
    return None

# %% 1 line_without_equals_sign -> ?
def value_of(name, lines):
    for line in lines:
        before, after = line.split("=", 1)
        if before == name:
            return after
    return None

# %% 1 longer_name -> ?
def value_of(name, lines):
    for line in lines:
        if line.startswith(name):
            return line.partition("=")[2]
        if line.startswith(f"# {name} "):
            return "n"
    return None

# %% 1 name_anywhere -> ?
def value_of(name, lines):
    for line in lines:
        if name in line:
            return "n" if "is not set" in line else line.split("=", 1)[1]
    return None

# %% 1 not_set_is_none -> ?
def value_of(name, lines):
    for line in lines:
        if line.startswith(name + "="):
            return line.partition("=")[2]
    return None

# %% 1 prints -> ?
def value_of(name, lines):
    for line in lines:
        if line.startswith(name + "="):
            print(line.partition("=")[2])
        elif line == f"# {name} is not set":
            print("n")

# %% 2 a_gigabyte -> ?
ring_buffer = (0, 0, 2**40)

# %% 2 like_an_array -> ?
ring_buffer = (4, 8, 4096)

# %% 2 not_a_power_of_two -> ?
ring_buffer = (0, 0, 3 * 65536)

# %% 2 one_entry -> ?
ring_buffer = (0, 0, 1)

# %% 2 only_the_length -> ?
ring_buffer = 65536

# %% 3 half_done -> ?
to_change = {1: "rights", 2: None, 3: None}

# %% 3 invalid_is_always_the_kernel -> ?
to_change = {1: "rights", 2: "kernel", 3: "kernel"}

# %% 3 not_permitted_blames_the_kernel -> ?
to_change = {1: "kernel", 2: "kernel", 3: "call"}
