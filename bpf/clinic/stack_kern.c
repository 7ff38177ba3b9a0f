// SPDX-License-Identifier: GPL-2.0
// Meant: does the byte at 300 equal the first one? Look at 300 bytes here and 300 in a function.
#include "clinic.h"

static __attribute__((noinline)) int byte_300(struct __sk_buff *skb)
{
	char next[300];

	return bpf_skb_load_bytes(skb, 300, next, sizeof(next)) ? -1 : next[0];
}

SEC("socket")
int count_equal(struct __sk_buff *skb)
{
	char first[300];

	if (bpf_skb_load_bytes(skb, 0, first, sizeof(first)) == 0 && first[0] == byte_300(skb))
		add(0, 1);
	return 0;
}
