// SPDX-License-Identifier: GPL-2.0
// What every program of chapter 08's clinic has: headers, the map and the instructions of sockex1.

#pragma once

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} bytes_by_protocol SEC(".maps");

// The old instructions that read a byte, or four, of the packet; clang has no C syntax for them.
unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");

#define PROTOCOL (ETH_HLEN + offsetof(struct iphdr, protocol))
#define SOURCE (ETH_HLEN + offsetof(struct iphdr, saddr))

// Add to one counter.
static __always_inline void add(__u32 slot, __u64 amount)
{
	__u64 *counter = bpf_map_lookup_elem(&bytes_by_protocol, &slot);

	if (counter)
		__sync_fetch_and_add(counter, amount);
}

#ifndef OWN_LICENSE
char LICENSE[] SEC("license") = "GPL";
#endif
