// SPDX-License-Identifier: GPL-2.0
// The playground's counter: every frame it is given goes into one flow and one class of sizes, from
// which user space adds up what is asked for. The parser is that of chapter 12.

#include <linux/bpf.h>

#define CONTEXT struct __sk_buff
#include "load.h"
#define LOAD(context, at, to) load(context, at, to, sizeof(*(to)))
// What there is to parse. On a socket cb[0] and cb[1] are 0. For a frame out of a capture file they
// are how many bytes were cut off at its end, and how many of its link header the program is not
// shown: they count, and no header is looked for there. In traffic control others write there.
#ifdef AT_TC
#define NOT_SHOWN(context) 0
#else
#define NOT_SHOWN(context) ((context)->cb[0] + (context)->cb[1])
#endif
#define LENGTH(context) ((context)->len)
#define TAGS_TAKEN(context) ((context)->vlan_present)
#define PROTOCOL(context) protocol_of(context)
#include "network_layer.h"
#include "protocols.h"
#include "flow.h"

#ifndef FLOWS
#define FLOWS 65536
#endif

struct traffic {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, struct traffic);
} flows SEC(".maps");

// Under 64 bytes, under 128, and so on; the last class has no end.
enum { SMALLEST = 64, SIZES = 12 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZES);
	__type(key, __u32);
	__type(value, struct traffic);
} sizes SEC(".maps");

// Frames of flows that found no room.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct traffic);
} missed SEC(".maps");

static __always_inline void add(struct traffic *traffic, __u32 length)
{
	if (!traffic)
		return;
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, length);
}

static __always_inline __u32 class_of(__u32 length)
{
	__u32 class = 0;

	// Written out by the compiler. Of a loop the verifier would also follow the steps that a
	// processor may guess at, beyond its end, where the program is loaded without CAP_PERFMON.
#pragma unroll
	for (int bound = 0; bound < SIZES - 1; bound++)
		class += length >= SMALLEST << bound;
	return class;
}

SEC("socket")
int count(struct __sk_buff *skb)
{
	__u32 length = skb->len + NOT_SHOWN(skb) + 4 * TAGS_TAKEN(skb), class, zero = 0;
	struct packet packet = parse(skb);
	struct flow flow = flow_of(skb, &packet);
	struct traffic fresh = {}, *traffic;

	// Not before the parser: Linux 5.10 refuses, without CAP_PERFMON, to have a neighbour on the
	// stack filled in once a number that it knows something of lies in the same eight bytes.
	class = class_of(length);
	add(bpf_map_lookup_elem(&sizes, &class), length);
	traffic = bpf_map_lookup_elem(&flows, &flow);
	if (!traffic) {
		// Where another processor has added it just now, it is there already.
		bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&flows, &flow);
	}
	add(traffic ? traffic : bpf_map_lookup_elem(&missed, &zero), length);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
