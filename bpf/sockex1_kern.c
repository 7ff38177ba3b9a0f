// SPDX-License-Identifier: GPL-2.0
// sockex1, the part that runs in the kernel: bytes per IP protocol, counted on a socket.
// Read line by line in chapter 02, loaded and attached in chapter 03.

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

// One counter per IP protocol number. A reader may look at it as plain memory (mmap).
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} bytes_by_protocol SEC(".maps");

// The old instruction that reads a byte of the packet; clang has no C syntax for it.
unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");

SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
	__u32 protocol = load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol));
	__u64 *bytes;

	if (skb->pkt_type != PACKET_OUTGOING)
		return 0;

	bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);
	if (bytes)
		__sync_fetch_and_add(bytes, skb->len);

	return 0;
}

char LICENSE[] SEC("license") = "GPL";
