// SPDX-License-Identifier: GPL-2.0
// Each frame announced twice, in a ring buffer and in a perf event array. For chapter 12.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

SEC("socket")
int announce(struct __sk_buff *skb)
{
	__u32 number = 0;

	bpf_skb_load_bytes(skb, 14, &number, 1);
	bpf_ringbuf_output(&ring, &number, sizeof(number), 0);
	bpf_perf_event_output(skb, &perf, BPF_F_CURRENT_CPU, &number, sizeof(number));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
