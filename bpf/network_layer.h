// SPDX-License-Identifier: GPL-2.0
// Does a packet begin with an Ethernet header, or with the network layer's, as on a tunnel? What a
// program at a socket or in traffic control can find out. Built in chapter 12; helpers/links.py
// says what is shown to it.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// The kernel knows where the network layer's header lies, and lets a program count from there.
// It does not say where that is. So we look whether counting from the packet's first byte is the
// same.
static __always_inline int begins_with_network(struct __sk_buff *skb)
{
	__u32 first[5], network[5], difference = 0; // 20 bytes, as in the shortest IP header
	__u8 last;

	// One word tells of nearly every Ethernet frame: an address is not how IP begins. Each look
	// through a helper costs some nanoseconds, of a packet that takes a few dozen in all.
	if (!bpf_skb_load_bytes_relative(skb, 0, network, sizeof(*network), BPF_HDR_START_NET) &&
	    !LOAD(skb, 0, first) && *first != *network)
		return 0;
	// The last byte lies there only if nothing lies in front of the header.
	if (!bpf_skb_load_bytes_relative(skb, skb->len - 1, &last, 1, BPF_HDR_START_NET))
		return 1;
	// Or the packet lies in memory in several pieces: this way the kernel reads the first alone.
	if (bpf_skb_load_bytes(skb, 0, first, sizeof(first)) ||
	    bpf_skb_load_bytes_relative(skb, 0, network, sizeof(network), BPF_HDR_START_NET))
		return 0;
#pragma unroll
	for (int word = 0; word < 5; word++)
		difference |= first[word] ^ network[word];
	return !difference;
}

// The EtherType of a packet that begins with its network layer's header; 0 for an Ethernet frame.
static __always_inline __be16 protocol_of(struct __sk_buff *skb)
{
	__be16 type = skb->protocol;
	__u8 first;

	// A number that is no EtherType: an Ethernet frame of a test run, or of another rare sender.
	if (bpf_ntohs(type) < ETH_P_802_3_MIN || !begins_with_network(skb))
		return 0;
	// IP says its version itself. Who sends with a packet socket may name the wrong one; in a test
	// run ffff says that none is known.
	if (type == bpf_htons(ETH_P_IP) || type == bpf_htons(ETH_P_IPV6) || type == 0xffff) {
		if (LOAD(skb, 0, &first))
			return type;
		if (first >> 4 == 4)
			return bpf_htons(ETH_P_IP);
		if (first >> 4 == 6)
			return bpf_htons(ETH_P_IPV6);
	}
	return type;
}
