# %% 1 a_thousand_times -> ?
def how_many_times(without, counted):
    return median(counted() / without() for _ in range(1000))

# %% 1 all_ratios -> ?
def how_many_times(without, counted):
    return [counted() / without() for _ in range(25)]

# %% 1 mean_of_the_ratios -> ?
def how_many_times(without, counted):
    without(), counted()
    ratios = []
    for _ in range(25):
        base = without()
        ratios.append(counted() / base)
    return sum(ratios) / len(ratios)

# %% 1 no_function -> ?
how_many_times = 1.25

# %% 1 once_each -> ?
def how_many_times(without, counted):
    base = without()
    return counted() / base

# %% 1 one_after_the_other -> ?
def how_many_times(without, counted):
    without(), counted()
    bases = [without() for _ in range(25)]
    return median(counted() for _ in range(25)) / median(bases)

# %% 1 only_a_warm_up -> ?
def how_many_times(without, counted):
    without(), counted()
    base = without()
    return counted() / base

# %% 1 ratio_of_the_means -> ?
def how_many_times(without, counted):
    pairs = [(without(), counted()) for _ in range(25)]
    return sum(c for _, c in pairs) / sum(w for w, _ in pairs)

# %% 1 the_difference -> ?
def how_many_times(without, counted):
    return median(counted() - without() for _ in range(25))

# %% 1 the_wrong_way_round -> ?
def how_many_times(without, counted):
    return median(without() / counted() for _ in range(25))

# %% 2 counted_from_one -> ?
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return 1 + values.index(max(values)), max(values) / sum(values)

# %% 2 four_bytes_each -> ?
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 4}I", raw)[::2]
    return values.index(max(values)), max(values) / sum(values)

# %% 2 no_function -> ?
busiest = (0, 0.75)

# %% 2 other_byte_order -> ?
def busiest(raw):
    other = ">" if sys.byteorder == "little" else "<"
    values = struct.unpack(f"{other}{len(raw) // 8}Q", raw)
    return values.index(max(values)), max(values) / sum(values)

# %% 2 percent -> ?
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), 100 * max(values) / sum(values)

# %% 2 share_first -> ?
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return max(values) / sum(values), values.index(max(values))

# %% 2 share_of_the_mean -> ?
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), max(values) / (sum(values) / len(values))

# %% 2 the_largest_value -> ?
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return max(values), max(values) / sum(values)

# %% 2 the_value_alone -> ?
def busiest(raw):
    return max(struct.unpack(f"={len(raw) // 8}Q", raw))

# %% 2 two_processors -> ?
def busiest(raw):
    values = struct.unpack("=2Q", raw[:16])
    return values.index(max(values)), max(values) / sum(values)

# %% 3 always_libbpf -> ?
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "libbpf",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "libbpf",
    "A test shall show what the kernel answers to one single wrong instruction.": "libbpf",
}

# %% 3 another_name -> ?
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "tcpdump",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "bcc",
    "A test shall show what the kernel answers to one single wrong instruction.": "bpf(2)",
}

# %% 3 bcc_on_the_routers -> ?
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "bcc",
    "One question, tonight, on a server that has bcc; tomorrow another.": "bcc",
    "A test shall show what the kernel answers to one single wrong instruction.": "bpf(2)",
}

# %% 3 half_done -> ?
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": None,
    "A test shall show what the kernel answers to one single wrong instruction.": None,
}

# %% 3 libbpf_for_everything_it_can -> ?
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "libbpf",
    "A test shall show what the kernel answers to one single wrong instruction.": "libbpf",
}
