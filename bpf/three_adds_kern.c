// SPDX-License-Identifier: GPL-2.0
// Bytes per IP protocol as in sockex1, added up in three ways: which of them count right when two
// processors count at once, and what does that cost? Chapter 11.
//
// What arrives for this machine is left out: on lo it was counted as it went out. The packet of a
// test run cannot go out, but it can be addressed to everybody, and then it counts.

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} plain SEC(".maps"), atomic SEC(".maps");

// The same array once for each processor.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} per_cpu SEC(".maps");

unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");

static __u64 *counter(struct __sk_buff *skb, void *map)
{
	__u32 protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));

	if (skb->pkt_type == PACKET_HOST)
		return 0;
	return bpf_map_lookup_elem(map, &protocol);
}

SEC("socket")
int count_plain(struct __sk_buff *skb)
{
	__u64 *bytes = counter(skb, &plain);

	if (bytes)
		*bytes += skb->len; // read, add, write back: another processor may be in between
	return 0;
}

SEC("socket")
int count_atomic(struct __sk_buff *skb)
{
	__u64 *bytes = counter(skb, &atomic);

	if (bytes)
		__sync_fetch_and_add(bytes, skb->len); // one step: others wait
	return 0;
}

SEC("socket")
int count_per_cpu(struct __sk_buff *skb)
{
	__u64 *bytes = counter(skb, &per_cpu);

	if (bytes)
		*bytes += skb->len; // plain again: no other processor has this one
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
