#include <linux/ip.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
