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
