mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, version = load_byte(skb, ETH_HLEN) >> 4;
    if (version == 4)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (version == 6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""
