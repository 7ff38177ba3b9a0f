// SPDX-License-Identifier: GPL-2.0
// A packet may be shorter than the header: compare with its end before reading.
#include "clinic.h"

SEC("cgroup_skb/egress")
int count_bytes(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if ((void *)(ip + 1) > end)
		return 1;
	add(ip->protocol, skb->len);
	return 1;
}
