// SPDX-License-Identifier: GPL-2.0
// The plain addition of three_adds_kern.c under a lock. Chapter 11.
//
// A socket filter may hold no lock, so this one is for tc.

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct counter {
	struct bpf_spin_lock lock;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct counter);
} locked SEC(".maps");

SEC("tc")
int count_locked(struct __sk_buff *skb)
{
	__u8 protocol;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1))
		return TC_ACT_OK;
	__u32 key = protocol;
	struct counter *counter = bpf_map_lookup_elem(&locked, &key);

	if (counter) {
		__u32 length = skb->len; // before the lock is held, since others wait for it

		bpf_spin_lock(&counter->lock);
		counter->bytes += length; // nobody else is between read and write
		bpf_spin_unlock(&counter->lock);
	}
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
