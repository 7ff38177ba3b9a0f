# %% 1 an_expression -> Write a list of row(...)s
udp_headers = "udp"

# %% 1 byte_order -> nothing of it arrived
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x0008),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 everything_cut -> A ping over IPv4 got through
udp_headers = [
    row(0x06, 0, 0, 34),
]

# %% 1 icmp_again -> got through, too
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 1),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 no_ethertype -> A ping from 2a11::1 got through
udp_headers = [
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 no_return -> out of the filter
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 2, 0x800),
    row(0x30, 0, 0, 23),
]

# %% 1 not_icmp -> A segment of TCP got through
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 1, 0, 1),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 not_ipv6 -> frame of EtherType 0x806
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 3, 0, 0x86DD),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 out_of_the_filter -> out of the filter
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 5, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 skips_one_too_few -> A datagram over IPv6 got through
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 2, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 true_and_false_swapped -> A datagram over IPv6 got through
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 3, 0, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 1, 0, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]

# %% 1 whole_datagrams -> are the headers
udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 3, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 1 right: the protocol first, and the rows joined
udp_headers = (
    row(0x30, 0, 0, 23)
    + row(0x15, 0, 3, 17)
    + row(0x28, 0, 0, 12)
    + row(0x15, 0, 1, 0x800)
    + row(0x06, 0, 0, 34)
    + row(0x06, 0, 0, 0)
)

# %% 2 an_expression -> Write a list of row(...)s
to_port_443 = "tcp dst port 443"

# %% 2 at_36 -> Behind 4 bytes of IP options
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 7, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 5, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 3, 0, 0x1FFF),
    row(0x28, 0, 0, 36),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 three_bits_of_the_length -> Behind 40 bytes of IP options
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 11, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 9, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 7, 0, 0x1FFF),
    row(0x30, 0, 0, 14),
    row(0x54, 0, 0, 7),
    row(0x64, 0, 0, 2),
    row(0x07, 0, 0, 0),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 later_pieces_too -> whose data look like a port
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 6, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 4, 6),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 more_pieces_flag -> The first of several pieces
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 8, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x3FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 jset_the_wrong_way_round -> An ordinary one, in one piece
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 8, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 0, 4, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 must_not_be_cut -> One without any flag
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 10, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 8, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 6, 0, 0x1FFF),
    row(0x45, 1, 0, 0x6000),
    row(0x05, 0, 0, 4),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 too_few_bits -> A piece from far behind
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 8, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x0FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 any_port -> One to port 80
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 8, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x25, 0, 1, 0),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 source_port -> An ordinary one, in one piece
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 8, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 14),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 either_port -> One that comes from port 443
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 10, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 8, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 6, 0, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 14),
    row(0x15, 2, 0, 443),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 no_protocol -> A datagram of UDP
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 6, 0x800),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 no_ethertype -> whose EtherType is 0x806
to_port_443 = [
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 2 headers_alone -> the rest is cut off
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 8, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 6, 6),
    row(0x28, 0, 0, 20),
    row(0x45, 4, 0, 0x1FFF),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 54),
    row(0x06, 0, 0, 0),
]

# %% 2 right: by libpcap
to_port_443 = filter_bytes("ip and tcp dst port 443")

# %% 2 right: the pieces by and, and jeq
to_port_443 = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 9, 0x800),
    row(0x30, 0, 0, 23),
    row(0x15, 0, 7, 6),
    row(0x28, 0, 0, 20),
    row(0x54, 0, 0, 0x1FFF),
    row(0x15, 0, 4, 0),
    row(0xB1, 0, 0, 14),
    row(0x48, 0, 0, 16),
    row(0x15, 0, 1, 443),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 a_hundred_bytes -> A marked datagram arrived cut
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 100),
    row(0x06, 0, 0, 0),
]

# %% 3 an_ethernet_frame -> A marked datagram arrived cut
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 1500),
    row(0x06, 0, 0, 0),
]

# %% 3 as_on_a_packet_socket -> Look at the load
marked = [
    row(0x30, 0, 0, 42),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 data_at_0 -> Look at the load
marked = [
    row(0x30, 0, 0, 0),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 ends_on_a_jump -> out of the filter
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 0, 0x21),
]

# %% 3 everything -> arrived, which is not marked
marked = [
    row(0x06, 0, 0, 262144),
]

# %% 3 five_bytes -> A marked datagram arrived cut
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 5),
    row(0x06, 0, 0, 0),
]

# %% 3 one_too_few -> A marked datagram arrived cut
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 65514),
    row(0x06, 0, 0, 0),
]

# %% 3 the_digit_21 -> Look at the load
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 1, 21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 the_others -> arrived, which is not marked
marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 1, 0, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 two_bytes_loaded -> Look at the load
marked = [
    row(0x28, 0, 0, 8),
    row(0x15, 0, 1, 0x21),
    row(0x06, 0, 0, 262144),
    row(0x06, 0, 0, 0),
]

# %% 3 right: turned round, the largest number there is, in a tuple
marked = (
    row(0x30, 0, 0, 8),
    row(0x15, 1, 0, 0x21),
    row(0x06, 0, 0, 0),
    row(0x06, 0, 0, 0xFFFFFFFF),
)

# %% 4 above_the_stack -> The verifier does not take it
def scratch(i):
    offset = 4 * i.k
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)

# %% 4 always_stores -> do two words overlap
def scratch(i):
    return ebpf(0x63, dst=10, src=0, offset=4 * i.k - 64)

# %% 4 always_the_same_word -> do two words overlap
def scratch(i):
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=-64)
    return ebpf(0x61, dst=0, src=10, offset=-64)

# %% 4 classic_bytes -> The verifier does not take it
def scratch(i):
    return row(i.code, 0, 0, i.k)

# %% 4 dst_and_src_swapped -> The verifier does not take it
def scratch(i):
    offset = 4 * i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=0, src=10, offset=offset)
    return ebpf(0x61, dst=10, src=0, offset=offset)

# %% 4 no_such_field -> It stops with AttributeError
def scratch(i):
    return ebpf(0x63, dst=10, src=0, offset=4 * i.word - 64)

# %% 4 offset_not_whole -> It stops with error
def scratch(i):
    offset = 8 * i.k / 2 - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)

# %% 4 only_stores -> one instruction of 8 bytes is wanted
def scratch(i):
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=4 * i.k - 64)

# %% 4 overlapping -> The verifier does not take it
def scratch(i):
    offset = i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)

# %% 4 x_instead_of_a -> The verifier does not take it
def scratch(i):
    offset = 4 * i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=7, offset=offset)
    return ebpf(0x61, dst=7, src=10, offset=offset)

# %% 4 a_text -> one instruction of 8 bytes is wanted
def scratch(i):
    return f"*(u32 *)(r10 - {64 - 4 * i.k}) = r0"

# %% 4 right: counted from above
def scratch(i):
    offset = -4 * (i.k + 1)
    return {
        0x02: ebpf(0x63, dst=10, src=0, offset=offset),
        0x60: ebpf(0x61, dst=0, src=10, offset=offset),
    }[i.code]

# %% 4 right: a list of one
def scratch(i):
    offset = 4 * i.k - 64
    if i.code == 0x02:
        return [ebpf(0x63, dst=10, src=0, offset=offset)]
    return [ebpf(0x61, dst=0, src=10, offset=offset)]
