# %% 1 big_endian -> ?
meaning = "*(u32 *)(r10 - 1793) = r1"

# %% 1 halves_swapped -> ?
meaning = "*(u32 *)(r1 - 8) = r10"

# %% 1 hex_register -> ?
meaning = "*(u32 *)(ra - 8) = r1"

# %% 1 other_way -> ?
meaning = "r1 = *(u32 *)(r10 - 8)"

# %% 1 unsigned_offset -> ?
meaning = "*(u32 *)(r10 + 65528) = r1"

# %% 2 both_directions -> ?
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

# %% 2 bytes_by_ttl -> ?
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

# %% 2 missing_semicolon -> ?
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

# %% 2 neighbouring_field -> ?
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

# %% 2 no_ethernet_header -> ?
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

# %% 2 no_null_check -> ?
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

# %% 2 no_section -> ?
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

# %% 2 nothing_left -> ?
function = ""

# %% 2 packets_by_protocol -> ?
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

# %% 2 plain_add -> ?
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

# %% 2 undeclared -> ?
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
