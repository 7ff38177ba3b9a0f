// SPDX-License-Identifier: GPL-2.0
// The flow that a frame belongs to: a key for maps. Included after protocols.h, whose parser says
// where addresses and ports lie. Built in chapter 12; the playground counts by it, too.

// The five-tuple: one direction of one conversation.
struct flow {
	__u8 from[16], to[16]; // an IPv4 address is in the first four bytes
	__be16 from_port, to_port; // 0 where there are none
	__u16 protocol; // or the class of a frame without one
	__u8 version; // of IP, 0 for a frame without it
	__u8 nothing; // no byte of a key may be left to chance
};

static __always_inline struct flow flow_of(struct __sk_buff *skb, struct packet *packet)
{
	struct flow flow = {.protocol = packet->class, .version = packet->version};
	__u32 at = packet->network;

	if (packet->version == 4) {
		load(skb, at + offsetof(struct iphdr, saddr), flow.from, 4);
		load(skb, at + offsetof(struct iphdr, daddr), flow.to, 4);
	} else if (packet->version == 6) {
		bpf_skb_load_bytes(skb, at + offsetof(struct ipv6hdr, saddr), flow.from, 16);
		bpf_skb_load_bytes(skb, at + offsetof(struct ipv6hdr, daddr), flow.to, 16);
	}
	if (!packet->later && (packet->class == IPPROTO_TCP || packet->class == IPPROTO_UDP ||
			       packet->class == IPPROTO_SCTP))
		load(skb, packet->transport, &flow.from_port, 4);
	return flow;
}
