// SPDX-License-Identifier: GPL-2.0
// The counter of protocols_kern.c at the driver, with XDP. Built in chapter 12.

#include <linux/bpf.h>
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
#include "protocols.h"
#include "protocols_count.h"

SEC("xdp")
int count_bytes(struct xdp_md *context)
{
	count(context);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
