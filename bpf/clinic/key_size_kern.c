// SPDX-License-Identifier: GPL-2.0
// Meant: look the counter up. A protocol number is one byte.
#include "clinic.h"

SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
	__u8 protocol = load_byte(skb, PROTOCOL);
	__u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

	if (bytes)
		__sync_fetch_and_add(bytes, skb->len);
	return 0;
}
