null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (protocol)
        __sync_fetch_and_add(bytes, skb->len);
    return 0;
}
"""
