// SPDX-License-Identifier: GPL-2.0
// Which class does a frame belong to? Every frame belongs to exactly one. Built in chapter 12.
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

// Every look at a frame costs, so few are taken: one for the EtherType and the first byte of what it
// says is coming, one for what else is needed of an IP header. The length tells whether all is there.
struct start {
	__be16 type;
	__u8 first; // of an IP header: its version and, in IPv4, its length in words of 4 bytes
	__u8 second;
};

static __always_inline int has_room(CONTEXT *context, struct packet *packet, __u32 size)
{
	return packet->network + size <= LENGTH(context);
}

static __always_inline __u32 ipv4(CONTEXT *context, struct packet *packet, __u8 first)
{
	struct {
		__be16 offset;
		__u8 hops, protocol;
	} middle;

	packet->transport = packet->network + 4 * (first & 15);
	if (first < 0x45 || first > 0x4f) // version 4, and five words at least
		return has_room(context, packet, sizeof(struct iphdr)) ? MALFORMED : TRUNCATED;
	if (packet->transport > LENGTH(context)) { // the options may be cut off, or more
		packet->version = has_room(context, packet, sizeof(struct iphdr)) ? 4 : 0;
		return TRUNCATED;
	}
	packet->version = 4;
	if (LOAD(context, packet->network + offsetof(struct iphdr, frag_off), &middle))
		return TRUNCATED;
	packet->later = (middle.offset & bpf_htons(0x1fff)) != 0;
	return middle.protocol;
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

static __always_inline __u32 ipv6(CONTEXT *context, struct packet *packet, __u8 first)
{
	struct extension header;
	__u8 next;

	if (!has_room(context, packet, sizeof(struct ipv6hdr)) ||
	    LOAD(context, packet->network + offsetof(struct ipv6hdr, nexthdr), &next))
		return TRUNCATED;
	if (first >> 4 != 6)
		return MALFORMED;
	packet->version = 6;
	packet->transport = packet->network + sizeof(struct ipv6hdr);
#pragma unroll
	for (int headers = 0; headers < MOST_HEADERS; headers++) {
		if (!is_extension(next) || packet->later)
			return packet->transport > LENGTH(context) ? TRUNCATED : next;
		if (LOAD(context, packet->transport, &header))
			return TRUNCATED;
		if (next == IPPROTO_FRAGMENT) {
			header.length = 0;
			packet->later = (header.offset & bpf_htons(0xfff8)) != 0;
		}
		packet->transport += 8 * (header.length + 1);
		next = header.next;
	}
	if (packet->transport > LENGTH(context))
		return TRUNCATED;
	return is_extension(next) && !packet->later ? TOO_MANY : next;
}

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

// What lies in front of `network` and behind it; not 0 if not even the EtherType is there.
static __always_inline int begin(CONTEXT *context, __u32 network, struct start *start)
{
	return LOAD(context, network - sizeof(start->type), start) &&
	       LOAD(context, network - sizeof(start->type), &start->type);
}

static __always_inline struct packet parse(CONTEXT *context)
{
	struct packet packet = {.class = TRUNCATED};
	struct start start = {.type = PROTOCOL(context)};
	__be16 type;

	if (start.type) {
		LOAD(context, 0, &start.first);
	} else {
		packet.network = sizeof(struct ethhdr);
		if (begin(context, packet.network, &start))
			return packet;
	}
#pragma unroll
	for (int tags = 0; tags < MOST_TAGS; tags++) {
		if (!is_tag(start.type) || tags + TAGS_TAKEN(context) == MOST_TAGS)
			break;
		packet.network += 4;
		if (begin(context, packet.network, &start))
			return packet;
	}
	packet.transport = packet.network;
	type = start.type;
	if (type == bpf_htons(ETH_P_IP))
		packet.class = ipv4(context, &packet, start.first);
	else if (type == bpf_htons(ETH_P_IPV6))
		packet.class = ipv6(context, &packet, start.first);
	else
		packet.class = is_tag(type) ? TOO_MANY :
			       type == bpf_htons(ETH_P_ARP) ? ARP : NOT_IP;
	return packet;
}
