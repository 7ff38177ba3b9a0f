// SPDX-License-Identifier: GPL-2.0
// Programs of a cgroup that see no packet: its sockets, devices, settings.
#include "refused.h"

//= result
SEC("cgroup/sock_create") int two_for_a_socket(struct bpf_sock *socket)
{
	return 2;
}
//= result
SEC("cgroup/connect4") int minus_one_to_connect(struct bpf_sock_addr *ctx)
{
	return -1;
}
//= context
SEC("cgroup/connect4") int sets_the_family(struct bpf_sock_addr *ctx)
{
	ctx->user_family = 2;
	return 1;
}
//= context
SEC("cgroup/connect4") int reads_the_longer(struct bpf_sock_addr *ctx)
{
	return ctx->user_ip6[0] ? 1 : 0;
}
//= helper_type
ASM("cgroup/connect4", bytes_of_no_packet, "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26;" PASS)
//= context
SEC("cgroup/dev") int sets_the_device(struct bpf_cgroup_dev_ctx *ctx)
{
	ctx->major = 1;
	return 1;
}
//= result
SEC("cgroup/dev") int number_of_the_device(struct bpf_cgroup_dev_ctx *ctx)
{
	return ctx->major;
}
//= context
SEC("cgroup/sysctl") int sets_what_is_done(struct bpf_sysctl *ctx)
{
	ctx->write = 0;
	return 1;
}
//= option_end|packet_end
SEC("cgroup/getsockopt") int option_unchecked(struct bpf_sockopt *ctx)
{
	__u8 *value = ctx->optval;

	value[0] = 1;
	return 1;
}
//= null
SEC("cgroup/connect4") int null_at_a_connection(struct bpf_sock_addr *ctx)
{
	__u32 key = ctx->user_port & 255;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	*value += 1;
	return 1;
}
//= stack_unset
SEC("cgroup/sock_create") int unset_for_a_socket(struct bpf_sock *socket)
{
	volatile __u32 seen;

	return seen & 1;
}
//= load_type
ASM("cgroup/connect4", old_load_of_an_address, "r6 = r1; r0 = *(u8 *)skb[0];" PASS)
//= context
SEC("cgroup/sock_create") int reads_beyond_a_socket(struct bpf_sock *socket)
{
	return *(__u32 *)((void *)socket + 400) ? 1 : 0;
}
//= reference
SEC("cgroup/connect4") int record_of_a_connection(struct bpf_sock_addr *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (record)
		*record = ctx->user_port;
	return 1;
}
