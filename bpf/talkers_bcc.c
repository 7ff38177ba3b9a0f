#include <linux/ip.h>

struct pair {
    u32 source, destination;
};
BPF_TABLE("lru_hash", struct pair, u64, bytes_by_pair, 1024);

int count_pairs(struct __sk_buff *skb) {
    if (skb->pkt_type != PACKET_OUTGOING || load_half(skb, 12) != ETH_P_IP)
        return 0;
    struct pair pair = {
        .source = load_word(skb, ETH_HLEN + offsetof(struct iphdr, saddr)),
        .destination = load_word(skb, ETH_HLEN + offsetof(struct iphdr, daddr)),
    };

    u64 zero = 0, *bytes = bytes_by_pair.lookup_or_try_init(&pair, &zero);
    if (bytes)
        lock_xadd(bytes, skb->len);
    return 0;
}
