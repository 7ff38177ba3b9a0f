// SPDX-License-Identifier: GPL-2.0
// Functions of the kernel that are no helpers, and what they give.
#include "refused.h"

struct task_struct {
	int pid;
};
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *made) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *ctx, __u64 flags, struct bpf_dynptr *made) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *time) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;

//= function_type; from 6.4
SEC("tc") int xdp_at_tc(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;

	return bpf_dynptr_from_xdp((void *)skb, 0, &packet);
}
//= function_type; from 6.4
SEC("xdp") int skb_at_xdp(struct xdp_md *ctx)
{
	struct bpf_dynptr packet;

	return bpf_dynptr_from_skb((void *)ctx, 0, &packet);
}
//= function_type; from 6.4
SEC("socket") int timestamp_at_a_socket(struct __sk_buff *skb)
{
	__u64 time = 0;

	return bpf_xdp_metadata_rx_timestamp((void *)skb, &time);
}
//= region_kept; from 6.4
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
	__u8 buffer[14] = {}, *slice;

	bpf_dynptr_from_skb(skb, 0, &packet);
	slice = bpf_dynptr_slice(&packet, 0, buffer, sizeof(buffer));
	return slice[12];
}
