// SPDX-License-Identifier: GPL-2.0
// Meant: bytes by protocol and source address. Both fields of the key are set.
#include "clinic.h"

struct pair {
	__u8 protocol;
	__u32 source;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct pair);
	__type(value, __u64);
} bytes_by_pair SEC(".maps");

SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
	struct pair key;
	__u64 bytes = skb->len;

	key.protocol = load_byte(skb, PROTOCOL);
	key.source = load_word(skb, SOURCE);
	bpf_map_update_elem(&bytes_by_pair, &key, &bytes, BPF_ANY);
	return 0;
}
