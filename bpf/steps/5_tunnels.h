// SPDX-License-Identifier: GPL-2.0
// Which class does a frame belong to? Chapter 12, step 5 on the way to protocols.h.
//
// Written once for every place where a program can be attached. Who includes it defines
//   CONTEXT               what a program in that place is given
//   LOAD(context, at, to) copies sizeof(*to) bytes at offset `at`; not 0 if the frame is too short
//   LENGTH(context)       how many bytes the frame has
//   TAGS_TAKEN(context)   how many VLAN tags of 4 bytes the kernel has taken out of the frame
//   PROTOCOL(context)     the EtherType where the network layer's header comes first, which lies at
//                         byte 0 then; 0 where an Ethernet header does

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Classes 0 to 255 are the IP protocol numbers. These are the others.
enum { ARP = 256, NOT_IP, TRUNCATED, MALFORMED, TOO_MANY, CLASSES };

enum { MOST_TAGS = 8, MOST_HEADERS = 8 };

struct packet {
	__u32 class;
	__u32 network;   // offset of the IP header
	__u32 transport; // offset of what the IP header carries
	__u8 version;    // 4 or 6, or 0: no IP
	__u8 later;      // a later fragment: the transport header was in the first
};

static __always_inline __u32 ipv4(CONTEXT *context, struct packet *packet)
{
	struct iphdr ip;

	if (LOAD(context, packet->network, &ip))
		return TRUNCATED;
	if (ip.version != 4 || ip.ihl < 5)
		return MALFORMED;
	packet->version = 4;
	packet->transport = packet->network + 4 * ip.ihl;
	packet->later = (ip.frag_off & bpf_htons(0x1fff)) != 0;
	return ip.protocol;
}

// How an extension header begins. Its length is in units of 8 bytes, the first 8 not counted.
struct extension {
	__u8 next;
	__u8 length;     // a fragment header has none: 0
	__be16 offset;   // only a fragment header has it
};

static __always_inline int is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT;
}

static __always_inline __u32 ipv6(CONTEXT *context, struct packet *packet)
{
	struct ipv6hdr ip;
	struct extension header;

	if (LOAD(context, packet->network, &ip))
		return TRUNCATED;
	if (ip.version != 6)
		return MALFORMED;
	packet->version = 6;
	packet->transport = packet->network + sizeof(ip);
	__u8 next = ip.nexthdr;
#pragma unroll
	for (int headers = 0; headers < MOST_HEADERS; headers++) {
		if (!is_extension(next) || packet->later)
			return next;
		if (LOAD(context, packet->transport, &header))
			return TRUNCATED;
		if (next == IPPROTO_FRAGMENT) {
			header.length = 0;
			packet->later = (header.offset & bpf_htons(0xfff8)) != 0;
		}
		packet->transport += 8 * (header.length + 1);
		next = header.next;
	}
	return is_extension(next) && !packet->later ? TOO_MANY : next;
}

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

static __always_inline struct packet parse(CONTEXT *context)
{
	struct packet packet = {.class = TRUNCATED};
	// Not the address of `type`: Linux 5.10 refuses a stack on which a known number lies beside others.
	__be16 type = PROTOCOL(context), inner;

	if (!type) {
		if (LOAD(context, offsetof(struct ethhdr, h_proto), &inner))
			return packet;
		type = inner;
		packet.network = sizeof(struct ethhdr);
	}
#pragma unroll
	for (int tags = 0; tags < MOST_TAGS; tags++) {
		if (!is_tag(type) || tags + TAGS_TAKEN(context) == MOST_TAGS)
			break;
		if (LOAD(context, packet.network + 2, &inner))
			return packet;
		packet.network += 4;
		type = inner;
	}
	packet.transport = packet.network;
	if (type == bpf_htons(ETH_P_IP))
		packet.class = ipv4(context, &packet);
	else if (type == bpf_htons(ETH_P_IPV6))
		packet.class = ipv6(context, &packet);
	else
		packet.class = is_tag(type) ? TOO_MANY :
			       type == bpf_htons(ETH_P_ARP) ? ARP : NOT_IP;
	if (packet.transport > LENGTH(context)) // the options of a header may be cut off, too
		packet.class = TRUNCATED;
	return packet;
}
