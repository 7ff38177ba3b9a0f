// SPDX-License-Identifier: GPL-2.0
// A program has one argument: the length is one of its fields.
#include "clinic.h"

SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
	add(load_byte(skb, PROTOCOL), skb->len);
	return 0;
}
