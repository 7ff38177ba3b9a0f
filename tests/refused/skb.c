// SPDX-License-Identifier: GPL-2.0
// Helper functions of the network: checksums, tunnels, routes, sockets, and what they want.
#include "refused.h"

//= buffer_unset
ASM("tc", sum_of_unset_bytes, "r1 = 0; r2 = 0; r3 = r10; r3 += -8; r4 = 8; r5 = 0; call 28;" END)
//= packet_end
ASM("tc", sum_of_the_packet, DATA "r1 = r2; r2 = 20; r3 = 0; r4 = 0; r5 = 0; call 28;" END)
//= packet_end
SEC("xdp") int sum_at_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	return bpf_csum_diff(0, 0, data + 14, 20, 0) ? XDP_PASS : XDP_DROP;
}
//= buffer_bounds
ASM("tc", sum_of_too_many, KEY "r1 = 0; r3 = r2; r2 = 0; r4 = 12; r5 = 0; call 28;" END)
//= helper_type
ASM("socket", sum_replaced_at_a_socket, "r2 = 24; r3 = 0; r4 = 1; r5 = 2; call 10;" END)
//= argument_kind
ASM("tc", sum_replaced_of_the_stack, "r1 = r10; r2 = 24; r3 = 0; r4 = 1; r5 = 2; call 10;" END)
//= leak_argument
ASM("tc", sum_of_an_address, "r2 = 24; r3 = 0; r4 = r10; r5 = 2; call 11;" END)
//= buffer_unset
SEC("tc") int route_of_nothing(struct __sk_buff *skb)
{
	struct bpf_fib_lookup route;

	asm volatile("" : : "r"(&route));
	return bpf_fib_lookup(skb, &route, sizeof(route), 0);
}
//= buffer_bounds
SEC("xdp") int route_too_long(struct xdp_md *ctx)
{
	struct bpf_fib_lookup route = {};

	return bpf_fib_lookup(ctx, &route, 2 * sizeof(route), 0);
}
//= helper_type
ASM("socket", route_at_a_socket, KEY "r3 = 8; r4 = 0; call 69;" END)
//= buffer_bounds
SEC("tc") int tunnel_too_long(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key;

	return bpf_skb_get_tunnel_key(skb, &key, 200, 0);
}
//= buffer_unset
ASM("tc", tunnel_of_nothing, "r2 = r10; r2 += -32; r3 = 32; r4 = 0; call 21;" END)
//= leak_argument
ASM("tc", tag_of_an_address, "r2 = 0x81; r3 = r1; call 18;" END)
//= argument_kind
ASM("tc", hash_of_the_stack, "r1 = r10; call 34;" END)
//= unset; 5.10 comparison
SEC("tc") int old_address_after_a_pull(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 34 > end)
		return 0;
	bpf_skb_pull_data(skb, 34);
	return data[23];
}
//= unset
ASM("tc", old_address_after_a_tag, "r6 = r1; r7 = *(u32 *)(r1 + 76); r2 = 0x81; r3 = 5; call 18; r0 = *(u8 *)(r7 + 0);" END)
//= unset; 5.10 comparison
SEC("xdp") int old_address_after_the_tail(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 60 > end || bpf_xdp_adjust_tail(ctx, -4))
		return XDP_PASS;
	return data[0];
}
//= unset
ASM("xdp", old_address_after_metadata, "r6 = r1; r7 = *(u32 *)(r1 + 0); r2 = -4; call 54; r0 = *(u8 *)(r7 + 0);" END)
//= unset
ASM("tc", old_address_after_a_clone, "r6 = r1; r7 = *(u32 *)(r1 + 76); r2 = 1; r3 = 0; call 13; r0 = *(u8 *)(r7 + 0);" END)
//= buffer_unset
SEC("tc") int tuple_never_set(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple;
	struct bpf_sock *socket;

	asm volatile("" : : "r"(&tuple));
	socket = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	if (socket)
		bpf_sk_release(socket);
	return 0;
}
//= buffer_bounds
SEC("xdp") int tuple_too_long(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_tcp(ctx, &tuple, 2 * sizeof(tuple), -1, 0);

	if (socket)
		bpf_sk_release(socket);
	return XDP_PASS;
}
//= argument_null
SEC("tc") int tcp_of_nothing(struct __sk_buff *skb)
{
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(skb->sk);

	return tcp ? tcp->snd_cwnd : 0;
}
//= null
SEC("tc") int tcp_not_asked(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;

	if (!socket)
		return 0;
	return bpf_tcp_sock(socket)->snd_cwnd;
}
//= socket_field
ASM("tc", field_of_no_tcp, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto +3; call 96; if r0 == 0 goto +1; r0 = *(u32 *)(r0 + 400);" END)
//= unset
SEC("tc") int tcp_after_release(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	struct bpf_tcp_sock *tcp;

	if (!socket)
		return 0;
	tcp = bpf_tcp_sock(socket);
	bpf_sk_release(socket);
	return tcp ? tcp->snd_cwnd : 0;
}
//= unset
SEC("xdp") int socket_after_release(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), -1, 0);

	if (!socket)
		return XDP_PASS;
	bpf_sk_release(socket);
	return socket->family;
}
//= release
SEC("tc") int releases_the_tcp(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;
	struct bpf_tcp_sock *tcp;

	if (!socket)
		return 0;
	tcp = bpf_tcp_sock(socket);
	if (tcp)
		bpf_sk_release((void *)tcp);
	return 0;
}
//= reference
ASM("tc", next_program_with_a_record, "r6 = r1;" RESERVE(8) "if r0 == 0 goto +5; r1 = r6; r2 = programs ll; r3 = 0; call 12;" END)
//= release_null
SEC("socket") int asked_the_wrong_one(struct __sk_buff *skb)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (skb->len)
		bpf_ringbuf_submit(record, 0);
	return 0;
}
//= reference
SEC("tc") int reserved_twice(struct __sk_buff *skb)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (!record)
		record = bpf_ringbuf_reserve(&records, 8, 0);
	else
		record = bpf_ringbuf_reserve(&records, 16, 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	return 0;
}
//= perfmon; 5.10 helper_type|helper_unknown
ASM("tc", written_as_text, "r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = 0; r5 = 0; call 165;" END)
//= argument_kind; 5.10 helper_type|helper_unknown
SEC("raw_tp") int format_on_the_stack(void *ctx)
{
	char format[4] = "%d", text[8];
	__u64 number = 4;

	return bpf_snprintf(text, sizeof(text), format, &number, sizeof(number));
}
//= argument_kind; 5.10 helper_type|helper_unknown
SEC("socket") int compared_with_the_stack(struct __sk_buff *skb)
{
	char first[8] = "first", second[8] = "second";

	return bpf_strncmp(first, sizeof(first), second);
}
//= buffer_bounds
SEC("tc") int relative_too_long(struct __sk_buff *skb)
{
	char head[8];

	return bpf_skb_load_bytes_relative(skb, 0, head, 20, 0);
}
//= size
ASM("raw_tp", stack_of_minus_one, "r2 = r10; r2 += -16; r3 = -1; r4 = 0; call 67;" END)
//= buffer_bounds
SEC("raw_tp") int string_too_long(struct bpf_raw_tracepoint_args *ctx)
{
	char text[8];

	return bpf_probe_read_kernel_str(text, 16, (void *)ctx->args[0]);
}
//= map_type
ASM("raw_tp", task_under_an_array, "r1 = counters ll; r2 = 0; call 37;" END)
//= helper_type
ASM("raw_tp", overrides, "r2 = 0; call 58;" END)
//= context
ASM("socket", when_it_came, "r0 = *(u64 *)(r1 + 152); exit;")
//= context
ASM("socket", length_on_the_wire, "r0 = *(u32 *)(r1 + 160); exit;")
//= context
ASM("socket", whose_port, "r0 = *(u32 *)(r1 + 108); exit;")
//= context
ASM("tc", half_of_the_time, "r0 = *(u32 *)(r1 + 152); exit;")
//= context
SEC("xdp") int sets_the_queue(struct xdp_md *ctx)
{
	ctx->rx_queue_index = 3;
	return XDP_PASS;
}
//= context
ASM("cgroup_skb/ingress", wire_of_a_cgroup, "r0 = *(u32 *)(r1 + 160);" PASS)
