# %% 1 another_table -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_version, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_version.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 both_directions -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 by_the_version_digit -> ?
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

# %% 1 counters_on_the_stack -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    u64 counters[256] = {};
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    counters[protocol] += skb->len;
    bytes_by_protocol.update(&protocol, &counters[protocol]);
    return counters[load_byte(skb, 0)];
}
"""

# %% 1 ethernet_header_forgotten -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 everything_else_is_ipv6 -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 ipv6_left_out -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type != ETH_P_IP)
        return 0;
    protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 missing_semicolon -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12)
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 network_byte_order -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = skb->protocol;
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 no_null_check -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    u64 *bytes = bytes_by_protocol.lookup(&protocol);
    if (skb->pkt_type == PACKET_OUTGOING)
        *bytes += skb->len;
    return 0;
}
"""

# %% 1 one_equals_sign -> ?
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type = ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 2 addresses_as_numbers -> ?
def top(table, count):
    def text(number):
        return number

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]

# %% 2 all_of_them -> ?
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)

# %% 2 backwards_addresses -> ?
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "little"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]

# %% 2 by_address -> ?
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, reverse=True)[:count]

# %% 2 by_source_alone -> ?
def top(table, count):
    rows = {}
    for k, v in table.items():
        source = socket.inet_ntoa(k.source.to_bytes(4, "big"))
        rows[source] = rows.get(source, 0) + v.value
    return sorted(rows.items(), key=lambda row: row[1], reverse=True)[:count]

# %% 2 method_of_a_number -> ?
def top(table, count):
    rows = [(k.source, k.destination, v) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]

# %% 2 numbers_of_c -> ?
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2].value, reverse=True)[:count]

# %% 2 quietest_first -> ?
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2])[:count]

# %% 3 always_bcc -> ?
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "bcc",
    "a question that changes every five minutes, and my C with it": "bcc",
    "a counter that starts with each container, thousands of times a day": "bcc",
}

# %% 3 always_libbpf -> ?
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "libbpf",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": "libbpf",
    "a counter that starts with each container, thousands of times a day": "libbpf",
}

# %% 3 another_name -> ?
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": "python",
    "a counter that starts with each container, thousands of times a day": "libbpf",
}

# %% 3 half_done -> ?
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": None,
    "a counter that starts with each container, thousands of times a day": None,
}

# %% 3 the_other_way -> ?
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "libbpf",
    "a traffic monitor for 500 routers with 128 MB of memory each": "bcc",
    "a question that changes every five minutes, and my C with it": "libbpf",
    "a counter that starts with each container, thousands of times a day": "bcc",
}
