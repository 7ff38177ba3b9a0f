// SPDX-License-Identifier: GPL-2.0
// Why was a packet dropped? Counts the reasons that the kernel gives, by network namespace.
// Built in chapter 12. Needs Linux 5.17 or later, and CAP_PERFMON beside CAP_BPF.

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

// Of the kernel's own structures only the fields that lead from a packet to its namespace. Where
// they lie differs from kernel to kernel: libbpf finds out when it loads the program (CO-RE).
#define FROM_THE_KERNEL __attribute__((preserve_access_index))
struct ns_common { unsigned int inum; } FROM_THE_KERNEL;
struct net { struct ns_common ns; } FROM_THE_KERNEL;
typedef struct { struct net *net; } FROM_THE_KERNEL possible_net_t;
struct net_device { possible_net_t nd_net; } FROM_THE_KERNEL;
struct sk_buff { struct net_device *dev; } FROM_THE_KERNEL;

struct drop {
	__u32 namespace; // the inode number of /proc/PID/ns/net; 0: the packet is at no interface
	__u32 reason;    // enum skb_drop_reason
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct drop);
	__type(value, __u64);
} drops SEC(".maps");

SEC("raw_tp/kfree_skb")
int count_drops(struct bpf_raw_tracepoint_args *event)
{
	struct sk_buff *skb = (void *)event->args[0];
	struct drop drop = {
		.namespace = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum),
		.reason = event->args[2],
	};
	__u64 none = 0, *packets;

	bpf_map_update_elem(&drops, &drop, &none, BPF_NOEXIST);
	packets = bpf_map_lookup_elem(&drops, &drop);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
