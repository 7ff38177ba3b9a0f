// SPDX-License-Identifier: GPL-2.0
// sockex1 in traffic control (tc), where counting is cheapest. Built in chapter 12.
//
// It is attached where frames go out: what sockex1 asks of each frame is true of all of them here.

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} bytes_by_protocol SEC(".maps");

// The old instruction that reads a byte of the packet; clang has no C syntax for it.
unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");

SEC("tc")
int count_bytes(struct __sk_buff *skb)
{
	__u32 protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
	__u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

	if (bytes)
		__sync_fetch_and_add(bytes, skb->len);
	return TC_ACT_UNSPEC; // whatever would happen without us
}

char LICENSE[] SEC("license") = "GPL";
