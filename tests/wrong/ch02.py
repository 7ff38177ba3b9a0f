# %% 1 big_endian -> Mind the byte order of the offset
meaning = "*(u32 *)(r10 - 1793) = r1"

# %% 1 halves_swapped -> the other way round: dst
meaning = "*(u32 *)(r1 - 8) = r10"

# %% 1 hex_register -> in decimal numbers
meaning = "*(u32 *)(ra - 8) = r1"

# %% 1 other_way -> in decimal numbers
meaning = "r1 = *(u32 *)(r10 - 8)"

# %% 1 unsigned_offset -> is a signed number
meaning = "*(u32 *)(r10 + 65528) = r1"

# %% 1 src_from_the_opcode -> Look at the registers
meaning = "*(u32 *)(r10 - 8) = r3"

# %% 1 right: another hand
meaning = "*(U32*)(R10 + -8) = R1;"

# %% 2 both_directions -> counted twice, leaving and arriving
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 bytes_by_ttl -> but they grow by bytes
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, skb->len);

    return 0;
}
"""

# %% 2 missing_semicolon -> expected ';'
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 neighbouring_field -> is it the right byte?
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, frag_off));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 no_ethernet_header -> is it the right byte?
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 key_of_one_byte -> the map's key has four bytes
function = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u8 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 a_field_that_no_socket_filter_may_see -> it says 'invalid bpf_context access
function = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 ttl = *(__u8 *)(long)(skb->data + 22);
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 last_brace_forgotten -> clang finds no end of your function
function = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
"""

# %% 2 no_null_check -> tested before it is used
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 no_section -> does it begin with SEC("socket")
function = """
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 nothing_left -> does it begin with SEC("socket")
function = ""

# %% 2 packets_by_protocol -> name another field inside offsetof
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 plain_add -> two processors that add at once
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    __u64 *packets;

    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        *packets += 1;

    return 0;
}
"""

# %% 2 undeclared -> undeclared identifier 'packets'
function = """
SEC("socket")
int count_packets(struct __sk_buff *skb)
{
    __u32 ttl = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, ttl));
    
    if (skb->pkt_type != PACKET_OUTGOING)
        return 0;

    packets = bpf_map_lookup_elem(&bytes_by_protocol, &ttl);
    if (packets)
        __sync_fetch_and_add(packets, 1);

    return 0;
}
"""

# %% 2 a_function_of_python -> A program is wanted, as text
def function(skb):
    return skb.ttl

# %% 2 right: one condition, and the numbers of the bytes
function = """
SEC("socket")
int by_ttl(struct __sk_buff *skb)
{
    __u32 slot = load_byte(skb, 14 + 8);
    __u64 *count = bpf_map_lookup_elem(&bytes_by_protocol, &slot);

    if (count && skb->pkt_type == PACKET_OUTGOING)
        __sync_add_and_fetch(count, 1);
    return 0;
}
"""
