// SPDX-License-Identifier: GPL-2.0
// Functions of the kernel that are no helpers, and what they give.
#include "refused.h"

struct bpf_iter_num;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *made) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *ctx, __u64 flags, struct bpf_dynptr *made) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *time) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;

//= kfunc_type; from 6.4
SEC("tc") int xdp_at_tc(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;

	return bpf_dynptr_from_xdp((void *)skb, 0, &packet);
}
//= kfunc_type; from 6.4
SEC("xdp") int skb_at_xdp(struct xdp_md *ctx)
{
	struct bpf_dynptr packet;

	return bpf_dynptr_from_skb((void *)ctx, 0, &packet);
}
//= kfunc_type; from 6.4
SEC("socket") int timestamp_at_a_socket(struct __sk_buff *skb)
{
	__u64 time = 0;

	return bpf_xdp_metadata_rx_timestamp((void *)skb, &time);
}
//= rcu_kept; from 6.4
SEC("tc") int never_left(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	return 0;
}
//= rcu_free; from 6.4
SEC("tc") int left_without_entering(struct __sk_buff *skb)
{
	bpf_rcu_read_unlock();
	return 0;
}
//= reference; from 6.4
SEC("tc") int task_kept(struct __sk_buff *skb)
{
	return bpf_task_from_pid(1) ? 1 : 0;
}
//= null; from 6.4
SEC("tc") int slice_not_asked(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	__u8 buffer[14], *slice;

	bpf_dynptr_from_skb(skb, 0, &packet);
	slice = bpf_dynptr_slice(&packet, 0, buffer, sizeof(buffer));
	return slice[12];
}
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
