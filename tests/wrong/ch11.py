# %% 1 a_thousand_times -> it calls one function more than
def how_many_times(without, counted):
    return median(counted() / without() for _ in range(1000))

# %% 1 all_ratios -> One number is wanted, such as 1.1
def how_many_times(without, counted):
    return [counted() / without() for _ in range(25)]

# %% 1 mean_of_the_ratios -> compare within each pair
def how_many_times(without, counted):
    without(), counted()
    ratios = []
    for _ in range(25):
        base = without()
        ratios.append(counted() / base)
    return sum(ratios) / len(ratios)

# %% 1 no_function -> Hand the check a function
how_many_times = 1.25

# %% 1 once_each -> a few calls cannot tell
def how_many_times(without, counted):
    base = without()
    return counted() / base

# %% 1 one_after_the_other -> let them take turns
def how_many_times(without, counted):
    without(), counted()
    bases = [without() for _ in range(25)]
    return median(counted() for _ in range(25)) / median(bases)

# %% 1 only_a_warm_up -> a few calls cannot tell
def how_many_times(without, counted):
    without(), counted()
    base = without()
    return counted() / base

# %% 1 ratio_of_the_means -> compare within each pair
def how_many_times(without, counted):
    pairs = [(without(), counted()) for _ in range(25)]
    return sum(c for _, c in pairs) / sum(w for w, _ in pairs)

# %% 1 the_difference -> times as long, and it is
def how_many_times(without, counted):
    return median(counted() - without() for _ in range(25))

# %% 1 the_wrong_way_round -> is how much of the time is left without
def how_many_times(without, counted):
    return median(without() / counted() for _ in range(25))

# %% 1 one_of_the_two -> Call both functions
def how_many_times(without, counted):
    return median(counted() for _ in range(25))

# %% 1 not_a_number -> One number is wanted, such as 1.1
def how_many_times(without, counted):
    return float("nan")

# %% 1 right: sorted, and the one in the middle taken
def how_many_times(without, counted):
    ratios = []
    for _ in range(41):
        ratios.append(counted() / without())
    return sorted(ratios)[20]

# %% 2 counted_from_one -> most did number
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return 1 + values.index(max(values)), max(values) / sum(values)

# %% 2 four_bytes_each -> most did number
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 4}I", raw)[::2]
    return values.index(max(values)), max(values) / sum(values)

# %% 2 no_function -> Hand the check a function
busiest = (0, 0.75)

# %% 2 other_byte_order -> the share is
def busiest(raw):
    other = ">" if sys.byteorder == "little" else "<"
    values = struct.unpack(f"{other}{len(raw) // 8}Q", raw)
    return values.index(max(values)), max(values) / sum(values)

# %% 2 percent -> the share is
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), 100 * max(values) / sum(values)

# %% 2 share_first -> most did number
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return max(values) / sum(values), values.index(max(values))

# %% 2 share_of_the_mean -> the share is
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), max(values) / (sum(values) / len(values))

# %% 2 the_largest_value -> most did number
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return max(values), max(values) / sum(values)

# %% 2 the_value_alone -> two things are wanted, such as (0, 0.75)
def busiest(raw):
    return max(struct.unpack(f"={len(raw) // 8}Q", raw))

# %% 2 two_processors -> It stops with error
def busiest(raw):
    values = struct.unpack("=2Q", raw[:16])
    return values.index(max(values)), max(values) / sum(values)

# %% 2 no_share -> a number from 0 to 1 is wanted
def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), None

# %% 2 right: by numpy
import numpy

def busiest(raw):
    values = numpy.frombuffer(raw, numpy.uint64)
    return [values.argmax(), values.max() / values.sum()]

# %% 3 always_libbpf -> it reads the packets anyway
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "libbpf",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "libbpf",
    "A test shall show what the kernel answers to one single wrong instruction.": "libbpf",
}

# %% 3 another_name -> is none of the names
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "tcpdump",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "bcc",
    "A test shall show what the kernel answers to one single wrong instruction.": "bpf(2)",
}

# %% 3 bcc_on_the_routers -> small where it runs
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "bcc",
    "One question, tonight, on a server that has bcc; tomorrow another.": "bcc",
    "A test shall show what the kernel answers to one single wrong instruction.": "bpf(2)",
}

# %% 3 half_done -> There is still a None
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": None,
    "A test shall show what the kernel answers to one single wrong instruction.": None,
}

# %% 3 libbpf_for_everything_it_can -> no compiler between you
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "libbpf",
    "A test shall show what the kernel answers to one single wrong instruction.": "libbpf",
}

# %% 3 by_hand_tonight -> where the compiler is at hand
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "bpf(2)",
    "A test shall show what the kernel answers to one single wrong instruction.": "bpf(2)",
}

# %% 3 a_list -> Leave the situations as they are
choices = ["classic BPF", "libbpf", "bcc", "bpf(2)"]

# %% 3 right: capitals
choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "Classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "Libbpf",
    "One question, tonight, on a server that has bcc; tomorrow another.": "BCC",
    "A test shall show what the kernel answers to one single wrong instruction.": "BPF(2)",
}
