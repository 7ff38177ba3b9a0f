bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)(ip + 1) >= end)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""
