# %% 1 another_table -> There is no table
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

# %% 1 both_directions -> a ping over IPv4
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

# %% 1 by_the_version_digit -> a frame of EtherType 88b5
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

# %% 1 counters_on_the_stack -> since line 8 
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

# %% 1 ethernet_header_forgotten -> it counted 236 bytes as HOPOPT
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

# %% 1 everything_else_is_ipv6 -> it counted 60 bytes as HOPOPT
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

# %% 1 ipv6_left_out -> For a ping to ::1 it counted nothing, not 236 bytes as ICMPv6.
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

# %% 1 missing_semicolon -> expected ';'
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

# %% 1 network_byte_order -> two bytes in the other order
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

# %% 1 no_null_check -> The kernel refused the program
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

# %% 1 one_equals_sign -> it counted
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

# %% 1 plain_increment -> two processors that add at once
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
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 all_of_ipv6_is_icmp -> a UDP datagram over IPv6
mended = """
#include <linux/ip.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol, type = load_half(skb, 12);
    if (type == ETH_P_IP)
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
    else if (type == ETH_P_IPV6)
        protocol = IPPROTO_ICMPV6;
    else
        return 0;
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""

# %% 1 switch_without_default -> neither IPv4 nor IPv6, which line
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol;
    switch (load_half(skb, 12)) {
    case ETH_P_IP:
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
        break;
    case ETH_P_IPV6:
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
        break;
    }
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""
# %% 1 if_without_else -> a frame with a length for an EtherType
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
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""
# %% 1 right: a switch with a default
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int protocol;
    switch (load_half(skb, 12)) {
    case ETH_P_IP:
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
        break;
    case ETH_P_IPV6:
        protocol = load_byte(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr));
        break;
    default:
        return 0;
    }
    if (skb->pkt_type == PACKET_OUTGOING)
        bytes_by_protocol.atomic_increment(protocol, skb->len);
    return 0;
}
"""
# %% 1 a_file -> A program is wanted, as text
mended = open(toolchain.SOURCES / "sockex1_bcc.c")

# %% 1 right: a lookup, and an atomic addition of C
mended = """
#include <linux/ip.h>
#include <linux/ipv6.h>

BPF_ARRAY(bytes_by_protocol, u64, 256);

int count_bytes(struct __sk_buff *skb) {
    int type = load_half(skb, 12);
    int where = type == ETH_P_IP ? 23 : 20;
    u64 *bytes;

    if ((type != ETH_P_IP && type != ETH_P_IPV6) || skb->pkt_type != PACKET_OUTGOING)
        return 0;
    int protocol = load_byte(skb, where);
    bytes = bytes_by_protocol.lookup(&protocol);
    if (bytes)
        lock_xadd(bytes, skb->len);
    return 0;
}
"""

# %% 2 addresses_as_numbers -> should be text, such as
def top(table, count):
    def text(number):
        return number

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]

# %% 2 all_of_them -> For a count of
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)

# %% 2 backwards_addresses -> in which order do its bytes come
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "little"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]

# %% 2 the_chapters_own_table -> has not talked in the table that you are given
def top(table, count):
    return [("127.0.0.2", "127.0.0.1", 31260), ("127.0.0.3", "127.0.0.1", 10840)][:count]

# %% 2 by_address -> belongs to
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, reverse=True)[:count]

# %% 2 by_source_alone -> A list of tuples of three
def top(table, count):
    rows = {}
    for k, v in table.items():
        source = socket.inet_ntoa(k.source.to_bytes(4, "big"))
        rows[source] = rows.get(source, 0) + v.value
    return sorted(rows.items(), key=lambda row: row[1], reverse=True)[:count]

# %% 2 method_of_a_number -> It stops with TypeError
def top(table, count):
    rows = [(k.source, k.destination, v) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]

# %% 2 numbers_of_c -> is a C number
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2].value, reverse=True)[:count]

# %% 2 quietest_first -> belongs to
def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2])[:count]

# %% 2 right: rows in lists
def top(table, count):
    rows = []
    for pair, size in table.items():
        ends = [".".join(map(str, n.to_bytes(4, "big"))) for n in (pair.source, pair.destination)]
        rows.append([*ends, size.value])
    rows.sort(key=lambda row: -row[2])
    return tuple(rows[:count])

# %% 3 always_bcc -> would not fit on a router
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "bcc",
    "a question that changes every five minutes, and my C with it": "bcc",
    "a counter that starts with each container, thousands of times a day": "bcc",
}

# %% 3 always_libbpf -> asked once, on one machine
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "libbpf",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": "libbpf",
    "a counter that starts with each container, thousands of times a day": "libbpf",
}

# %% 3 another_name -> is none of the names
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": "python",
    "a counter that starts with each container, thousands of times a day": "libbpf",
}

# %% 3 half_done -> There is still a None
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": None,
    "a counter that starts with each container, thousands of times a day": None,
}

# %% 3 the_other_way -> a second of compiling at each start
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "libbpf",
    "a traffic monitor for 500 routers with 128 MB of memory each": "bcc",
    "a question that changes every five minutes, and my C with it": "libbpf",
    "a counter that starts with each container, thousands of times a day": "bcc",
}

# %% 3 c_is_for_libbpf -> a changed string runs in the next second
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "bcc",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": "libbpf",
    "a counter that starts with each container, thousands of times a day": "libbpf",
}

# %% 3 situations_left_out -> Leave the situations as they are
choices = {"a traffic monitor for 500 routers with 128 MB of memory each": "libbpf"}

# %% 3 right: capitals
choices = {
    "tonight, on my laptop: which ports does this game talk to?": "BCC",
    "a traffic monitor for 500 routers with 128 MB of memory each": "Libbpf",
    "a question that changes every five minutes, and my C with it": "bcc ",
    "a counter that starts with each container, thousands of times a day": "libbpf.",
}
