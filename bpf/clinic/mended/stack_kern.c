// SPDX-License-Identifier: GPL-2.0
// All functions on the way share 512 bytes of stack: copy no more than is looked at.
#include "clinic.h"

static __attribute__((noinline)) int byte_300(struct __sk_buff *skb)
{
	char next[1];

	return bpf_skb_load_bytes(skb, 300, next, sizeof(next)) ? -1 : next[0];
}

SEC("socket")
int count_equal(struct __sk_buff *skb)
{
	char first[1];

	if (bpf_skb_load_bytes(skb, 0, first, sizeof(first)) == 0 && first[0] == byte_300(skb))
		add(0, 1);
	return 0;
}
