// SPDX-License-Identifier: GPL-2.0
// The counter of protocols_kern.c at a cgroup: what its processes send. Built in chapter 12.
//
// There is no Ethernet header here yet, so its 14 bytes are not counted; and a frame that is not IP
// never comes by.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CONTEXT struct __sk_buff
#define LOAD(context, at, to) bpf_skb_load_bytes(context, at, to, sizeof(*(to)))
#define LENGTH(context) ((context)->len)
#define TAGS_TAKEN(context) 0
#define PROTOCOL(context) ((__be16)(context)->protocol)
#include "protocols.h"
#include "protocols_count.h"

SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
	count(skb);
	return 1; // let it go
}

char LICENSE[] SEC("license") = "GPL";
