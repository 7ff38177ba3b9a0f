// SPDX-License-Identifier: GPL-2.0
// Meant: hand the length of each frame to a process that reads it. The code is ours alone.
#define OWN_LICENSE
#include "clinic.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

SEC("socket")
int report_length(struct __sk_buff *skb)
{
	__u32 length = skb->len;

	bpf_perf_event_output(skb, &events, BPF_F_CURRENT_CPU, &length, sizeof(length));
	add(0, length);
	return 0;
}

char LICENSE[] SEC("license") = "Proprietary";
