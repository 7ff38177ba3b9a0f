// SPDX-License-Identifier: GPL-2.0
// Helper functions that a program may not call at all.
#include "refused.h"

//= helper_type
ASM("socket", store_at_a_socket, "r2 = 0; r3 = r10; r3 += -8; r4 = 4; r5 = 0; *(u64 *)(r10 - 8) = r2; call 9;" END)
//= helper_type
ASM("socket", redirect_at_a_socket, "r1 = 1; r2 = 0; call 23; exit;")
//= helper_type
ASM("socket", head_of_a_socket, "r2 = 4; call 44; exit;")
//= helper_type
ASM("xdp", load_bytes_at_xdp, "r2 = 0; r3 = r10; r3 += -8; r4 = 4; call 26; exit;")
//= helper_type
ASM("tc", head_at_tc, "r2 = 4; call 44; exit;")
//= helper_type
ASM("cgroup_skb/ingress", clone_at_a_cgroup, "r2 = 1; r3 = 0; call 13;" PASS)
//= helper_type
ASM("cgroup_skb/egress", store_at_a_cgroup, KEY "r3 = r2; r2 = 0; r4 = 4; r5 = 0; call 9;" PASS)
//= helper_type
SEC("xdp") int store_at_xdp(struct xdp_md *ctx)
{
	__u32 mark = 7;

	bpf_skb_store_bytes((void *)ctx, 0, &mark, sizeof(mark), 0);
	return XDP_PASS;
}
//= helper_type
SEC("socket") int redirects(struct __sk_buff *skb)
{
	return bpf_redirect(skb->ifindex, 0);
}
//= helper_type
SEC("socket") int finds_a_socket(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);

	if (socket)
		bpf_sk_release(socket);
	return 0;
}
//= helper_unknown
ASM("socket", number_of_no_helper, "call 99999; exit;")
//= helper_unknown
ASM("tc", number_zero, "call 0; exit;")
//= perfmon
SEC("socket") int prints(struct __sk_buff *skb)
{
	bpf_printk("%d bytes", skb->len);
	return 0;
}
//= perfmon
SEC("tc") int prints_at_tc(struct __sk_buff *skb)
{
	bpf_printk("here");
	return 0;
}
//= perfmon
SEC("xdp") int reads_the_kernel(struct xdp_md *ctx)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)0xffff888000000000);
	return word;
}
//= perfmon
ASM("socket", the_current_task, "call 35; r0 = 0; exit;")
