// SPDX-License-Identifier: GPL-2.0
// A socket filter for pings: tcpdump's "icmp", in eBPF. Compared with the classic one in chapter 09.

#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

// The old instructions that read from the packet; clang has no C syntax for them.
unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");

SEC("socket")
int only_icmp(struct __sk_buff *skb)
{
	if (load_half(skb, offsetof(struct ethhdr, h_proto)) != ETH_P_IP)
		return 0;
	if (load_byte(skb, ETH_HLEN + offsetof(struct iphdr, protocol)) != IPPROTO_ICMP)
		return 0;
	return skb->len;
}

char LICENSE[] SEC("license") = "GPL";
