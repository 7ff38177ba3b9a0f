#include <linux/in.h>
#include <linux/ip.h>

BPF_HASH(bytes_by_port, u16, u64, 65536);

int count_ports(struct __sk_buff *skb) {
    if (skb->pkt_type != PACKET_OUTGOING || load_half(skb, 12) != ETH_P_IP)
        return 0;
    u8 protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
        return 0;
    u16 port = 0;  // of a packet in pieces only the first has a port
    if ((load_half(skb, ETH_HLEN + offsetof(struct iphdr, frag_off)) & 0x1fff) == 0)
        port = load_half(skb, ETH_HLEN + (load_byte(skb, ETH_HLEN) & 15) * 4 + 2);

    u64 zero = 0, *bytes = bytes_by_port.lookup_or_try_init(&port, &zero);
    if (bytes)
        lock_xadd(bytes, skb->len);
    return 0;
}
