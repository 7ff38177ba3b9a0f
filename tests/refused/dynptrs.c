// SPDX-License-Identifier: GPL-2.0
// Memory whose size is known only when the program runs.
#include "refused.h"

//= dynptr; 5.10 helper_type|helper_unknown
ASM("tc", never_made, KEY "r1 = r2; r2 = 8; r3 = r10; r3 += -40; r4 = 0; r5 = 0; *(u64 *)(r10 - 16) = r5; r3 = r10; r3 += -16; call 201;" END)
//= reference; 5.10 helper_type|helper_unknown
SEC("tc") int dynamic_record_kept(struct __sk_buff *skb)
{
	struct bpf_dynptr record;

	bpf_ringbuf_reserve_dynptr(&records, 8, 0, &record);
	return 0;
}
//= null; 5.10 helper_type|helper_unknown
SEC("xdp") int data_not_asked(struct xdp_md *ctx)
{
	struct bpf_dynptr record;
	__u64 *data;

	bpf_ringbuf_reserve_dynptr(&records, 8, 0, &record);
	data = bpf_dynptr_data(&record, 0, 8);
	*data = 4;
	bpf_ringbuf_submit_dynptr(&record, 0);
	return XDP_PASS;
}
//= argument_kind; 5.10 helper_type|helper_unknown
SEC("tc") int made_of_the_stack(struct __sk_buff *skb)
{
	struct bpf_dynptr made;
	__u64 bytes[2] = {};

	return bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &made);
}
//= record_bounds|value_bounds; 5.10 helper_type|helper_unknown
SEC("tc") int behind_the_data(struct __sk_buff *skb)
{
	struct bpf_dynptr record;
	__u64 *data;

	bpf_ringbuf_reserve_dynptr(&records, 8, 0, &record);
	data = bpf_dynptr_data(&record, 0, 8);
	if (data)
		data[1] = 4;
	bpf_ringbuf_submit_dynptr(&record, 0);
	return 0;
}
//= unset; from 5.19
SEC("raw_tp/sys_enter") int slice_after_submit(void *ctx)
{
	struct bpf_dynptr record;
	volatile char *data;

	bpf_ringbuf_reserve_dynptr(&records, 16, 0, &record);
	data = bpf_dynptr_data(&record, 0, 8);
	bpf_ringbuf_submit_dynptr(&record, 0);
	if (data)
		data[0] = 1;
	return 0;
}
//= unset; from 5.19
SEC("tc") int slice_after_discard(struct __sk_buff *skb)
{
	struct bpf_dynptr record;
	volatile char *data;

	bpf_ringbuf_reserve_dynptr(&records, 16, 0, &record);
	data = bpf_dynptr_data(&record, 0, 8);
	if (!data) {
		bpf_ringbuf_discard_dynptr(&record, 0);
		return 0;
	}
	bpf_ringbuf_discard_dynptr(&record, 0);
	return data[0];
}
//= unset; from 5.19
SEC("xdp") int slice_for_a_helper_after_submit(struct xdp_md *ctx)
{
	struct bpf_dynptr record;
	__u32 key = 0;
	__u64 *data;

	bpf_ringbuf_reserve_dynptr(&records, 16, 0, &record);
	data = bpf_dynptr_data(&record, 0, 8);
	bpf_ringbuf_submit_dynptr(&record, 0);
	if (data)
		bpf_map_update_elem(&counters, &key, data, 0);
	return XDP_PASS;
}
