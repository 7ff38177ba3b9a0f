// SPDX-License-Identifier: GPL-2.0
// Who talks to whom: packets and bytes per flow, and the first bytes of each new flow sent to user
// space. Built in chapter 12.

#define CONTEXT struct __sk_buff
#include "load.h"
#define LOAD(context, at, to) load(context, at, to, sizeof(*(to)))
#define LENGTH(context) ((context)->len)
#define TAGS_TAKEN(context) ((context)->vlan_present)
#define PROTOCOL(context) protocol_of(context)
#include "network_layer.h"
#include "protocols.h"
#include "flow.h"

// What happens when the map is full is a matter of its type: see chapter 12.
#ifndef FLOWS_TYPE
#define FLOWS_TYPE BPF_MAP_TYPE_LRU_HASH
#endif
#ifndef FLOWS
#define FLOWS 16384
#endif

struct traffic {
	__u64 packets, bytes;
	__u64 first, last; // nanoseconds since the machine started
};

struct {
	__uint(type, FLOWS_TYPE);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, struct traffic);
} flows SEC(".maps");

struct arrival {
	struct flow flow;
	__u32 length; // of the frame
	__u32 copied; // so much of it follows
	__u8 bytes[96];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18); // bytes
} arrivals SEC(".maps");

// What found no room: 0 packets of flows that `flows` did not take, 1 arrivals.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} missed SEC(".maps");

static __always_inline void miss(__u32 what)
{
	__u64 *count = bpf_map_lookup_elem(&missed, &what);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline void announce(struct __sk_buff *skb, struct flow *flow)
{
	struct arrival *arrival;
	__u32 copied = skb->len;

	if (copied > sizeof(arrival->bytes))
		copied = sizeof(arrival->bytes);
	if (copied < sizeof(struct iphdr)) // never, but the verifier cannot know, and refuses a length of 0
		return;
	arrival = bpf_ringbuf_reserve(&arrivals, sizeof(*arrival), 0);
	if (!arrival) {
		miss(1);
		return;
	}
	arrival->flow = *flow;
	arrival->length = skb->len;
	arrival->copied = copied;
	bpf_skb_load_bytes(skb, 0, arrival->bytes, copied);
	bpf_ringbuf_submit(arrival, 0);
}

SEC("socket")
int count_flows(struct __sk_buff *skb)
{
	struct packet packet = parse(skb);
	struct traffic fresh = {.first = bpf_ktime_get_ns()}, *traffic;

	if (packet.class >= ARP) // no IP packet, or none that can be read
		return 0;
	struct flow flow = flow_of(skb, &packet);
	traffic = bpf_map_lookup_elem(&flows, &flow);
	if (!traffic) {
		// Another processor may do the same now: one of the two adds it, and announces it.
		if (!bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST))
			announce(skb, &flow);
		traffic = bpf_map_lookup_elem(&flows, &flow);
	}
	if (!traffic) {
		miss(0);
		return 0;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, LENGTH(skb) + 4 * TAGS_TAKEN(skb));
	traffic->last = fresh.first;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
