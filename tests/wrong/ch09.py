# %% 1 an_expression -> ?
udp_headers = "udp"

# %% 1 byte_order -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x0008),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 everything_cut -> ?
udp_headers = [
    row(0x06, 0, 0, 34),
]

# %% 1 icmp_again -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 1),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 no_ethertype -> ?
udp_headers = [
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 no_return -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 2, 0x800),
    row(0x30, 0, 0, 23),
]

# %% 1 not_icmp -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 1, 0, 1),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 not_ipv6 -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 3, 0, 0x86DD),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 out_of_the_filter -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 5, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 skips_one_too_few -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 2, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 true_and_false_swapped -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 3, 0, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 1, 0, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 whole_datagrams -> ?
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 a_hundred_bytes -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 100),
    row(0x06, 0, 0, 0),
]

# %% 2 an_ethernet_frame -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 1500),
    row(0x06, 0, 0, 0),
]

# %% 2 as_on_a_packet_socket -> ?
marked = [
    row(0x30, 0, 0, 42),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 data_at_0 -> ?
marked = [
    row(0x30, 0, 0, 0),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 ends_on_a_jump -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 0, 0x21),
]

# %% 2 everything -> ?
marked = [
    row(0x06, 0, 0, 262144),
]

# %% 2 five_bytes -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 5),
    row(0x06, 0, 0, 0),
]

# %% 2 one_too_few -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 65514),
    row(0x06, 0, 0, 0),
]

# %% 2 the_digit_21 -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 the_others -> ?
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 1, 0, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 two_bytes_loaded -> ?
marked = [
    row(0x28, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 above_the_stack -> ?
def scratch(i):
    offset = 4 * i.k
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)

# %% 3 always_stores -> ?
def scratch(i):
    return ebpf(0x63, dst=10, src=0, offset=4 * i.k - 64)

# %% 3 always_the_same_word -> ?
def scratch(i):
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=-64)
    return ebpf(0x61, dst=0, src=10, offset=-64)

# %% 3 classic_bytes -> ?
def scratch(i):
    return row(i.code, 0, 0, i.k)

# %% 3 dst_and_src_swapped -> ?
def scratch(i):
    offset = 4 * i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=0, src=10, offset=offset)
    return ebpf(0x61, dst=10, src=0, offset=offset)

# %% 3 in_a_list -> ?
def scratch(i):
    offset = 4 * i.k - 64
    if i.code == 0x02:
        return [ebpf(0x63, dst=10, src=0, offset=offset)]
    return [ebpf(0x61, dst=0, src=10, offset=offset)]

# %% 3 no_such_field -> ?
def scratch(i):
    return ebpf(0x63, dst=10, src=0, offset=4 * i.word - 64)

# %% 3 offset_not_whole -> ?
def scratch(i):
    offset = 8 * i.k / 2 - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)

# %% 3 only_stores -> ?
def scratch(i):
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=4 * i.k - 64)

# %% 3 overlapping -> ?
def scratch(i):
    offset = i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)

# %% 3 x_instead_of_a -> ?
def scratch(i):
    offset = 4 * i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=7, offset=offset)
    return ebpf(0x61, dst=7, src=10, offset=offset)
