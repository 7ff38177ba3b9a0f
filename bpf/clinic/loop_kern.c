// SPDX-License-Identifier: GPL-2.0
// Meant: count the bytes of the frame that are zero.
#include "clinic.h"

SEC("socket")
int count_zeros(struct __sk_buff *skb)
{
	__u32 zeros = 0;

	for (__u32 at = 0; at < skb->len; at++)
		if (load_byte(skb, at) == 0)
			zeros++;
	add(0, zeros);
	return 0;
}
