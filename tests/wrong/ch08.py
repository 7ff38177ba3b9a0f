# %% 1 addition_left_out -> The verifier takes it, but
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    return bytes != 0;
}
"""

# %% 1 asked_the_key -> may be null here
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

# %% 1 asked_too_late -> may be null here
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

# %% 1 missing_parenthesis -> expected ')'
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

# %% 1 no_section -> could not be verified and run
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

# %% 1 packets -> two UDP packets should give
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

# %% 1 the_wrong_way_round -> is 0 here, a null pointer
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

# %% 1 plain_add -> two processors that add at once
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (bytes)
        *bytes += skb->len;
    return 0;
}
"""

# %% 1 a_number -> A program is wanted, as text
null_check = 0

# %% 1 right: gone before the addition
null_check = """
SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (bytes == NULL)
        return 1;
    __sync_fetch_and_add(bytes, skb->len);
    return 0;
}
"""

# %% 2 a_socket_filter -> may not read that field of its context, data
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

# %% 2 drops_the_short -> with another result than 1
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

# %% 2 not_the_shortest -> a packet of exactly 20 bytes
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

# %% 2 numbers_of_32_bits -> takes the lower 32 bits of an address
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

# %% 2 one_byte -> The packet may end before this
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

# %% 2 result_9 -> is not one that this type of program
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

# %% 2 the_length_instead -> The verifier still refuses it
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

# %% 2 the_wrong_way_round -> The packet may end before this
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

# %% 2 up_to_the_protocol -> a packet of 12 bytes
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;

    if ((void *)&ip->check > end)
        return 1;
    add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 2 right: one condition, with the size in bytes
bounds = """
SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
    struct iphdr *ip = (void *)(long)skb->data;

    if ((void *)ip + sizeof(*ip) <= (void *)(long)skb->data_end)
        add(ip->protocol, skb->len);
    return 1;
}
"""

# %% 3 a_number -> two UDP packets should give
case = "second_argument"
program = clinic.code("key_size", mended=True).replace("skb->len", "98")

# %% 3 another_program -> should tell packets of different lengths apart
case = "pointer"
program = clinic.code("null_check", mended=True)

# %% 3 loop_not_unrolled -> goes round and round in this loop
case = "loop"
program = clinic.code("loop").replace("at < skb->len", "at < 34")

# %% 3 mit -> serves programs under the GPL only
case = "licence"
program = clinic.code("licence").replace("Proprietary", "MIT")

# %% 3 no_function -> expected identifier
case = "stack"
program = "return 0;"

# %% 3 no_such_case -> There is no case
case = "keysize"
program = clinic.code("key_size", mended=True)

# Newer clangs, 21 among them, fill all of a key that is given its first field: there that is right.
# %% 3 padding_half -> 2 of them hold nothing
case = "padding"
half = "struct pair key; __builtin_memset(&key, 0, 2);"
program = clinic.code("padding").replace("struct pair key;", half)

# %% 3 padding_without_source -> should leave three values
case = "padding"
program = clinic.code("padding", mended=True).replace("key.source = load_word(skb, SOURCE);", "")

# %% 3 the_first_twelve -> zeros here, and it counted
case = "loop"
program = clinic.code("loop", mended=True).replace("at < ETH_HLEN", "at < 12")

# %% 3 any_byte_there -> bytes 0 and 300 differ
case = "stack"
program = clinic.code("stack", mended=True).replace("first[0] == byte_300(skb)", "byte_300(skb) > 0")

# %% 3 counted_from_one -> were equal, and not counted
case = "stack"
program = clinic.code("stack", mended=True).replace("skb, 300", "skb, 301")

# %% 3 the_address_too -> with the source address from byte 26
case = "wrong_type"
program = clinic.code("wrong_type", mended=True).replace("return SOURCE", "return SOURCE + 4")

# %% 3 hides_everything -> nothing at all
case = "wrong_type"
program = clinic.code("wrong_type", mended=True).replace("return SOURCE", "return 0")

# %% 3 counts_packets -> bytes should give 240
case = "licence"
program = clinic.code("licence", mended=True).replace("add(0, length)", "add(0, 1)")

# %% 3 plain_add -> two processors that add at once
case = "key_size"
program = clinic.code("key_size", mended=True)
program = program.replace("__sync_fetch_and_add(bytes, skb->len)", "*bytes += skb->len")

# %% 3 right: another case, whose name has a capital
case = "Wrong_type"
program = """
SEC("socket")
int headers(struct __sk_buff *skb)
{
    return 26;
}
"""

# %% 4 a_list -> Keep the numbers of the roads in front
diagnoses = ["stale map", "wrong interface", "wrong section name"]

# %% 4 in_own_words -> is not one of faults.NAMES
diagnoses = {1: "the map", 2: "wrong interface", 3: "wrong section name"}

# %% 4 mixed_up -> Compare the map that is read
diagnoses = {1: "wrong interface", 2: "stale map", 3: "missing capability"}

# %% 4 no_such_road -> Keep the numbers of the roads in front
diagnoses = {1: "stale map", 2: "wrong interface", 3: "wrong section name", 11: "IPv6"}

# %% 4 one_left -> what is your diagnosis
diagnoses = {1: "stale map"}

# %% 4 one_wrong -> Compare the interface
diagnoses = {1: "stale map", 2: "socket closed", 3: "wrong section name"}

# %% 4 two_of_three -> what is your diagnosis
diagnoses = {1: "stale map", 2: "wrong interface", 3: None}

# %% 4 the_map_is_full -> read the words of libbpf
diagnoses = {1: "stale map", 2: "wrong interface", 3: "map full"}

# %% 4 right: capitals, blanks and a full stop
diagnoses = {1: "Stale map.", 2: "WRONG INTERFACE", 3: " wrong section name"}

# %% 5 a_number -> is not one of faults.NAMES
more = {4: 1, 5: None, 6: None, 7: None, 8: None, 9: None, 10: None}

# %% 5 all_wrong -> Look at every counter
more = {4: "firewall", 5: "another network", 6: "wrong section name", 7: "stale map", 8: "socket closed", 9: "program not attached", 10: "interface down"}

# %% 5 five_of_seven -> yet the socket is open
more = {4: "IPv6", 5: "socket closed", 6: "missing capability", 7: "wrong byte order", 8: "socket closed", 9: "wrong interface", 10: "firewall"}

# %% 5 closed_or_elsewhere -> what does road.sock say
more = {
    4: "IPv6",
    5: "another network",
    6: "missing capability",
    7: "wrong byte order",
    8: "another network",
    9: "wrong protocol in bind",
    10: "firewall",
}

# %% 5 no_memory -> with which rights did the thread try
more = {
    4: "IPv6",
    5: "socket closed",
    6: "out of memory",
    7: "wrong byte order",
    8: "another network",
    9: "wrong protocol in bind",
    10: "firewall",
}

# %% 5 not_attached -> All is in place
more = {
    4: "IPv6",
    5: "socket closed",
    6: "missing capability",
    7: "program not attached",
    8: "another network",
    9: "wrong protocol in bind",
    10: "firewall",
}

# %% 5 another_interface -> what the socket listens for
more = {
    4: "IPv6",
    5: "socket closed",
    6: "missing capability",
    7: "wrong byte order",
    8: "another network",
    9: "wrong interface",
    10: "firewall",
}

# %% 5 interface_down -> does a frame pass at all
more = {
    4: "IPv6",
    5: "socket closed",
    6: "missing capability",
    7: "wrong byte order",
    8: "another network",
    9: "wrong protocol in bind",
    10: "interface down",
}

# %% 5 right: capitals
more = {
    4: "ipv6",
    5: "Socket closed",
    6: "Missing capability",
    7: "Wrong byte order",
    8: "Another network",
    9: "Wrong protocol in bind",
    10: "Firewall",
}
