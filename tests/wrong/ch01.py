# %% 1 every_equals_sign -> cut at the first = only
def value_of(name, lines):
    for line in lines:
        if line == f"# {name} is not set":
            return "n"
        if line.split("=")[0] == name:
            return line.split("=")[1]
    return None

# %% 1 line_without_equals_sign -> It stops with ValueError
def value_of(name, lines):
    for line in lines:
        before, after = line.split("=", 1)
        if before == name:
            return after
    return None

# %% 1 longer_name -> CONFIG_BPFILTER_UMH=m begins like it
def value_of(name, lines):
    for line in lines:
        if line.startswith(name):
            return line.partition("=")[2]
        if line.startswith(f"# {name} "):
            return "n"
    return None

# %% 1 name_anywhere -> it returns
def value_of(name, lines):
    for line in lines:
        if name in line:
            return "n" if "is not set" in line else line.split("=", 1)[1]
    return None

# %% 1 not_set_is_none -> its line begins with #
def value_of(name, lines):
    for line in lines:
        if line.startswith(name + "="):
            return line.partition("=")[2]
    return None

# %% 1 prints -> the caller wants it returned
def value_of(name, lines):
    for line in lines:
        if line.startswith(name + "="):
            print(line.partition("=")[2])
        elif line == f"# {name} is not set":
            print("n")

# %% 1 first_value_of_all -> compare each line's name
def value_of(name, lines):
    for line in lines:
        if "=" in line:
            return line.partition("=")[2]

# %% 1 comment_of_a_longer_name -> CONFIG_BPF_JIT_ALWAYS_ON is another option
def value_of(name, lines):
    for line in lines:
        before, _, after = line.partition("=")
        if before == name:
            return after
        if line.startswith(f"# {name}"):
            return "n"

# %% 1 missing_is_not_set -> no line is about it
def value_of(name, lines):
    for line in lines:
        before, _, after = line.partition("=")
        if before == name:
            return after
    return "n"

# %% 1 right: a dict
def value_of(name, lines):
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    if f"# {name} is not set" in lines:
        return "n"
    return values.get(name)

# %% 2 a_gigabyte -> That is more than we want to take
ring_buffer = (0, 0, 2**40)

# %% 2 like_an_array -> has no keys and no values
ring_buffer = (4, 8, 4096)

# %% 2 not_a_power_of_two -> A ring buffer cannot have
ring_buffer = (0, 0, 3 * 65536)

# %% 2 one_entry -> A ring buffer cannot have
ring_buffer = (0, 0, 1)

# %% 2 only_the_length -> Three whole numbers are wanted
ring_buffer = 65536

# %% 2 without_an_end -> Three whole numbers are wanted
ring_buffer = (0, 0, float("inf"))

# %% 2 texts -> Three whole numbers are wanted
ring_buffer = ("0", "0", "65536")

# %% 2 right: one page, in a list
import mmap

ring_buffer = [0, 0, mmap.PAGESIZE]

# %% 3 half_done -> wants one of three words
to_change = {1: "rights", 2: None, 3: None}

# %% 3 invalid_is_always_the_kernel -> 5000 is not a length
to_change = {1: "rights", 2: "kernel", 3: "kernel"}

# %% 3 not_permitted_blames_the_kernel -> objects to something else
to_change = {1: "kernel", 2: "kernel", 3: "call"}

# %% 3 old_kernel_blames_the_call -> on a later kernel the very same call works
to_change = {1: "rights", 2: "call", 3: "call"}

# %% 3 no_numbers -> Keep the three numbers in front
to_change = ["rights", "kernel", "call"]

# %% 3 right: capitals, a blank and a full stop
to_change = {1: "Rights", 2: "KERNEL ", 3: "call."}
