// SPDX-License-Identifier: GPL-2.0
// Meant: add the frame's length to the counter of its protocol.
#include "clinic.h"

SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
	__u32 protocol = load_byte(skb, PROTOCOL);
	__u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

	__sync_fetch_and_add(bytes, skb->len);
	return 0;
}
