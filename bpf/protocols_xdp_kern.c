// SPDX-License-Identifier: GPL-2.0
// The counter of protocols_kern.c at the driver, with XDP. Built in chapter 12.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline int load(struct xdp_md *context, __u32 at, void *to, __u32 size)
{
	void *from = (void *)(long)context->data + at;

	if (from + size > (void *)(long)context->data_end)
		return -1;
	__builtin_memcpy(to, from, size);
	return 0;
}

#define CONTEXT struct xdp_md
#define LOAD(context, at, to) load(context, at, to, sizeof(*(to)))
#define LENGTH(context) ((context)->data_end - (context)->data)
#define TAGS_TAKEN(context) 0 // nobody has touched the frame yet
// Nothing in the context says how a packet begins: for an interface without Ethernet the program is
// compiled with -DETHERNET=0.
#ifndef ETHERNET
#define ETHERNET 1
#endif
#define PROTOCOL(context) protocol_of(context)

static __always_inline __be16 protocol_of(struct xdp_md *context)
{
	__u8 first = 0;

	if (ETHERNET)
		return 0;
	LOAD(context, 0, &first);
	return first >> 4 == 4 ? bpf_htons(ETH_P_IP) :
	       first >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_ALL);
}

#include "protocols.h"
#include "protocols_count.h"

SEC("xdp")
int count_bytes(struct xdp_md *context)
{
	count(context);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
