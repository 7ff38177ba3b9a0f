// SPDX-License-Identifier: GPL-2.0
// Meant: blot out the source address, so that the reader of the socket does not see it.
#include "clinic.h"

SEC("socket")
int hide_source(struct __sk_buff *skb)
{
	__u32 nobody = 0;

	bpf_skb_store_bytes(skb, SOURCE, &nobody, sizeof(nobody), 0);
	return skb->len;
}
