# %% 1 a_list -> is the text of a C file
my_parser = parser.splitlines()

# %% 1 does_not_compile -> It does not get into the kernel
my_parser = parser.replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? LLDP : NOT_IP')

# %% 1 everything_else_is_lldp -> is not counted as before
my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES').replace('? ARP : NOT_IP', '? ARP : LLDP')

# %% 1 named_and_not_used -> still counts as not IP
my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES')

# %% 1 no_byte_order -> still counts as not IP
my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES').replace('? ARP : NOT_IP', '? ARP : type == 0x88cc ? LLDP : NOT_IP')

# %% 1 no_new_counter -> as many counters as before
my_parser = parser.replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? NOT_IP : NOT_IP')

# %% 1 takes_the_place_of_arp -> is not counted as before
my_parser = parser.replace('ARP = 256, NOT_IP', 'LLDP = 256, ARP, NOT_IP').replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? LLDP : NOT_IP')

# %% 1 unchanged -> as many counters as before
my_parser = parser

# %% 1 another_class -> is not in the new class
my_parser = parser.replace("TOO_MANY, CLASSES", "TOO_MANY, LLDP, CLASSES").replace("? ARP : NOT_IP", "? ARP : type == bpf_htons(0x88cc) ? MALFORMED : NOT_IP")

# %% 1 right: another name, a decimal number, and LLDP asked for first
my_parser = parser.replace("TOO_MANY, CLASSES", "TOO_MANY, NEIGHBOURS, CLASSES")
my_parser = my_parser.replace("type == bpf_htons(ETH_P_ARP)", "type == bpf_htons(35020) ? NEIGHBOURS : type == bpf_htons(ETH_P_ARP)")

# %% 2 behind_an_ipv4_address -> which bytes?
def ports(key):
    return int.from_bytes(key[8:10], "big"), int.from_bytes(key[10:12], "big")

# %% 2 by_name -> It stops with TypeError
def ports(key):
    return key["from_port"], key["to_port"]

# %% 2 bytes -> which bytes?
def ports(key):
    return key[32:34], key[34:36]

# %% 2 machine_order -> which byte order has a packet
def ports(key):
    return int.from_bytes(key[32:34], "little"), int.from_bytes(key[34:36], "little")

# %% 2 machine_order_in_a_list -> which byte order has a packet
def ports(key):
    return [int.from_bytes(key[32:34], "little"), int.from_bytes(key[34:36], "little")]

# %% 2 one_byte -> which bytes?
def ports(key):
    return key[32], key[34]

# %% 2 one_number -> give both ports
def ports(key):
    return int.from_bytes(key[32:36], "big")

# %% 2 other_way_round -> the sender's comes first
def ports(key):
    return int.from_bytes(key[34:36], "big"), int.from_bytes(key[32:34], "big")

# %% 2 right: by struct, in a list
import struct

def ports(key):
    return list(struct.unpack("!2H", key[32:36]))

# %% 3 answers -> Those are the answers alone
def dns_bytes(reading):
    return int(reading.traffic["bytes"][reading.keys["from_port"] == 53].sum())

# %% 3 both_ends -> with 53 at both ends alone
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) & (reading.keys["to_port"] == 53)
    return int(reading.traffic["bytes"][dns].sum())

# %% 3 everything -> For the flows of the check
def dns_bytes(reading):
    return int(reading.traffic["bytes"].sum())

# %% 3 flows -> the number of flows
def dns_bytes(reading):
    return int(((reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)).sum())

# %% 3 not_added_up -> .sum() adds up
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)
    return reading.traffic["bytes"][dns]

# %% 3 one_end_alone -> is missing: it has 53
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) ^ (reading.keys["to_port"] == 53)
    return int(reading.traffic["bytes"][dns].sum())

# %% 3 packets -> Those are packets
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)
    return int(reading.traffic["packets"][dns].sum())

# %% 3 questions -> Those are the questions alone
def dns_bytes(reading):
    return int(reading.traffic["bytes"][reading.keys["to_port"] == 53].sum())

# %% 3 twice -> in your sum twice
def dns_bytes(reading):
    keys, counted = reading.keys, reading.traffic["bytes"]
    return int(counted[keys["to_port"] == 53].sum() + counted[keys["from_port"] == 53].sum())

# %% 3 udp_alone -> That is UDP alone
def dns_bytes(reading):
    keys = reading.keys
    dns = ((keys["from_port"] == 53) | (keys["to_port"] == 53)) & (keys["protocol"] == 17)
    return int(reading.traffic["bytes"][dns].sum())

# %% 3 tcp_alone -> That is TCP alone
def dns_bytes(reading):
    keys = reading.keys
    dns = ((keys["from_port"] == 53) | (keys["to_port"] == 53)) & (keys["protocol"] == 6)
    return int(reading.traffic["bytes"][dns].sum())

# %% 3 right: a loop
def dns_bytes(reading):
    total = 0
    for key, traffic in zip(reading.keys, reading.traffic):
        if 53 in (key["from_port"], key["to_port"]):
            total += traffic["bytes"]
    return total

# %% 4 the_high_byte -> has its 1 in the high byte
icmp_port = 256

# %% 4 the_number_of_udp -> what is byte 23
icmp_port = 17

# %% 4 no_port -> is no port
icmp_port = 65_537

# %% 4 a_name -> is no port
icmp_port = "icmp"

# %% 4 right: another high byte
icmp_port = 0x8801

# %% 5 no_check_of_the_length -> Compare with data_end before
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1)
        return XDP_DROP;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 checks_too_little -> Compare with data_end before
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 20 > end)
        return XDP_PASS;
    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1)
        return XDP_DROP;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 one_byte_too_few -> Compare with data_end before
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 23 > end)
        return XDP_PASS;
    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1)
        return XDP_DROP;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 no_ethertype -> what is its byte 23
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_PASS;
    return frame[23] == 1 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 byte_order_of_the_machine -> A ping gets through
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_PASS;
    if (*(__u16 *)(frame + 12) == ETH_P_IP && frame[23] == 1)
        return XDP_DROP;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 drops_everything_else -> they are to pass
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_PASS;
    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1)
        return XDP_PASS;
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 udp_in_place_of_icmp -> which protocol is to be dropped
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_PASS;
    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 17)
        return XDP_DROP;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 drops_what_is_short -> ends before byte 23
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_DROP;
    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1)
        return XDP_DROP;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 as_a_socket_filter -> give XDP_DROP or XDP_PASS
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_PASS;
    if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1)
        return 0;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 does_not_compile -> It is no XDP program yet
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    if (frame + 24 > end)
        return XDP_PASS
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 of_another_type -> It is no XDP program yet
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("socket")
int guard(void *context)
{
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""

# %% 5 a_function -> A program is wanted
guard = len

# %% 5 right: by a struct, and with a chapter's own words
guard = """
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int guard(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    __u8 *end = (void *)(long)context->data_end;

    struct ethhdr *ethernet = (void *)frame;
    struct iphdr *ip = (void *)(ethernet + 1);

    if ((void *)(ip + 1) > (void *)end)
        return XDP_PASS;
    if (ethernet->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    return ip->protocol == 1 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"""
