bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;

    if (skb->data + 20 > skb->data_end)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""
