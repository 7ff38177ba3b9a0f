// SPDX-License-Identifier: GPL-2.0
// A loop needs an end that is known beforehand: 14 bytes, the Ethernet header.
#include "clinic.h"

SEC("socket")
int count_zeros(struct __sk_buff *skb)
{
	__u32 zeros = 0;

#pragma unroll
	for (__u32 at = 0; at < ETH_HLEN; at++)
		if (load_byte(skb, at) == 0)
			zeros++;
	add(0, zeros);
	return 0;
}
