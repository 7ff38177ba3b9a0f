# %% 1 addition_left_out -> ?
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    return bytes != 0;
}
"""

# %% 1 asked_the_key -> ?
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

# %% 1 asked_too_late -> ?
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    __sync_fetch_and_add(bytes, skb->len);
    if (!bytes)
        return 0;
    return 0;
}
"""

# %% 1 missing_parenthesis -> ?
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (bytes
        __sync_fetch_and_add(bytes, skb->len);
    return 0;
}
"""

# %% 1 no_section -> ?
null_check = """
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (bytes)
        __sync_fetch_and_add(bytes, skb->len);
    return 0;
}
"""

# %% 1 packets -> ?
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (bytes)
        __sync_fetch_and_add(bytes, 1);
    return 0;
}
"""

# %% 1 the_wrong_way_round -> ?
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (!bytes)
        __sync_fetch_and_add(bytes, skb->len);
    return 0;
}
"""

# %% 2 a_socket_filter -> ?
bounds = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)(ip + 1) > end)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 2 drops_the_short -> ?
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)(ip + 1) > end)
        return 0;
    add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 2 not_the_shortest -> ?
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

# %% 2 numbers_of_32_bits -> ?
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

# %% 2 one_byte -> ?
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)ip + 1 > end)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 2 result_9 -> ?
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)(ip + 1) > end)
        return 1;
    add(ip->protocol, skb->len);
    return 9;
}
"""

# %% 2 the_length_instead -> ?
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;

    if (skb->len < 20)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 2 the_wrong_way_round -> ?
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)(ip + 1) < end)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 3 a_number -> ?
case = "second_argument"
program = clinic.code("key_size", mended=True).replace("skb->len", "98")

# %% 3 another_program -> ?
case = "pointer"
program = clinic.code("null_check", mended=True)

# %% 3 loop_not_unrolled -> ?
case = "loop"
program = clinic.code("loop").replace("at < skb->len", "at < 34")

# %% 3 mit -> ?
case = "licence"
program = clinic.code("licence").replace("Proprietary", "MIT")

# %% 3 no_function -> ?
case = "stack"
program = "return 0;"

# %% 3 no_such_case -> ?
case = "keysize"
program = clinic.code("key_size", mended=True)

# %% 3 padding_half -> ?
case = "padding"
program = clinic.code("padding").replace("struct pair key;", "struct pair key = {key.protocol};")

# %% 3 padding_without_source -> ?
case = "padding"
program = clinic.code("padding", mended=True).replace("key.source = load_word(skb, SOURCE);", "")

# %% 4 a_list -> ?
diagnoses = ["stale map", "wrong interface", "wrong section name"]

# %% 4 in_own_words -> ?
diagnoses = {1: "the map", 2: "wrong interface", 3: "wrong section name"}

# %% 4 mixed_up -> ?
diagnoses = {1: "wrong interface", 2: "stale map", 3: "missing capability"}

# %% 4 no_such_road -> ?
diagnoses = {1: "stale map", 2: "wrong interface", 3: "wrong section name", 11: "IPv6"}

# %% 4 one_left -> ?
diagnoses = {1: "stale map"}

# %% 4 one_wrong -> ?
diagnoses = {1: "stale map", 2: "socket closed", 3: "wrong section name"}

# %% 4 two_of_three -> ?
diagnoses = {1: "stale map", 2: "wrong interface", 3: None}

# %% 5 a_number -> ?
more = {4: 1, 5: None, 6: None, 7: None, 8: None, 9: None, 10: None}

# %% 5 all_wrong -> ?
more = {4: "firewall", 5: "another network", 6: "wrong section name", 7: "stale map", 8: "socket closed", 9: "program not attached", 10: "interface down"}

# %% 5 five_of_seven -> ?
more = {4: "IPv6", 5: "socket closed", 6: "missing capability", 7: "wrong byte order", 8: "socket closed", 9: "wrong interface", 10: "firewall"}
