#include <linux/if_packet.h>

BPF_HISTOGRAM(frames_by_size);

int count_sizes(struct __sk_buff *skb) {
    if (skb->pkt_type == PACKET_OUTGOING)
        frames_by_size.atomic_increment(bpf_log2l(skb->len));
    return 0;
}
