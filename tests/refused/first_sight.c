// SPDX-License-Identifier: GPL-2.0
// What was written to see the reader at first sight: of many kinds, and at the end of other types.
#include "refused.h"

MAP(percpu, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 4, 0);

//= helper_type
SEC("socket") int which_stack_it_was(struct __sk_buff *skb)
{
	return bpf_get_stackid(skb, &stacks, 0);
}
//= helper_type
SEC("xdp") int group_of_a_frame(struct xdp_md *ctx)
{
	return bpf_skb_cgroup_id((void *)ctx);
}
//= helper_type
SEC("tc") int pushes_a_message(struct __sk_buff *skb)
{
	return bpf_msg_push_data((void *)skb, 0, 4, 0);
}
//= helper_type
SEC("xdp") int asks_a_setting_its_name(struct xdp_md *ctx)
{
	return bpf_sysctl_get_name((void *)ctx, 0, 0, 0);
}
//= sleeps
SEC("raw_tp") int reads_by_sleeping(struct bpf_raw_tracepoint_args *ctx)
{
	char byte;

	return bpf_copy_from_user(&byte, 1, (void *)ctx->args[0]);
}
//= context
SEC("tc") int sets_the_napi(struct __sk_buff *skb)
{
	skb->napi_id = 3;
	return 0;
}
//= context
SEC("cgroup/sock_create") int source_too_early(struct bpf_sock *sk)
{
	return sk->src_ip4 != 0;
}
//= context
SEC("cgroup/connect4") int half_an_address(struct bpf_sock_addr *ctx)
{
	*(volatile __u16 *)&ctx->user_ip4 = 1;
	return 1;
}
//= context
SEC("tc") int two_bytes_of_data(struct __sk_buff *skb)
{
	return *(volatile __u16 *)&skb->data;
}
//= context
SEC("cgroup_skb/egress") int writes_its_time(struct __sk_buff *skb)
{
	skb->tc_classid = 5;
	return 1;
}
//= context
SEC("xdp") int queue_by_bytes(struct xdp_md *ctx)
{
	return *((volatile __u8 *)ctx + 24);
}
//= context
SEC("cgroup/sock_release") int sets_the_mark_late(struct bpf_sock *sk)
{
	sk->family = 3;
	return 1;
}
//= unset; 5.10 unset|comparison|number_followed
ASM("tc", address_kept_and_pulled, "r6 = r1;" DATA "*(u64 *)(r10 - 8) = r2; r1 = r6; r2 = 0; call 39; r2 = *(u64 *)(r10 - 8); r3 = *(u32 *)(r6 + 80); r4 = r2; r4 += 1; if r4 > r3 goto +1; r0 = *(u8 *)(r2 + 0);" END)
//= unset
SEC("tc") int reads_what_it_gave(struct __sk_buff *skb)
{
	struct pair *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record)
		return 0;
	record->source = skb->len;
	bpf_ringbuf_submit(record, 0);
	return record->source;
}
//= unset
ASM("tc", flags_forgotten, "r6 = r1; r2 = 0; r3 = r10; r3 += -8; *(u64 *)(r10 - 8) = r2; r4 = 8; call 9;" END)
//= null
SEC("tc") int asks_the_other_one(struct __sk_buff *skb)
{
	__u32 one = skb->len, two = skb->mark;
	__u64 *first = bpf_map_lookup_elem(&counters, &one);
	__u64 *second = bpf_map_lookup_elem(&percpu, &two);

	if (first)
		*second = 1;
	return 0;
}
//= null
SEC("raw_tp") int its_count_not_asked(void *ctx)
{
	__u32 key = bpf_get_smp_processor_id();
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	*value += 1;
	return 0;
}
//= null; from 5.19
SEC("cgroup_skb/egress") int of_this_processor(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_percpu_elem(&percpu, &key, 0);

	*value += skb->len;
	return 1;
}
//= null_moved|null
SEC("tc") int half_of_what_may_be_null(struct __sk_buff *skb)
{
	__u64 key = skb->len;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);
	__u64 *last;

	if (skb->mark)
		last = &wide->words[5];
	else
		last = &wide->words[1];
	asm volatile("" : "+r"(last));
	return *last;
}
//= comparison
ASM("socket", asks_above_null, FIND(counters) "if r0 > 0 goto +1; exit; r0 = *(u64 *)(r0 + 0); exit;")
//= comparison
ASM("socket", asks_the_half, FIND(counters) "if w0 != 0 goto +1; exit; r0 = *(u64 *)(r0 + 0); exit;")
//= key_bounds
ASM("tc", middle_of_a_value_as_a_key, FIND(counters) "if r0 == 0 goto +4; r2 = r0; r1 = pairs ll; call 1;" END)
//= key_bounds
ASM("socket", record_as_a_key, RESERVE(8) "if r0 == 0 goto +11; r6 = r0; r1 = 0; *(u64 *)(r6 + 0) = r1; r2 = r6; r1 = pairs ll; call 1; r1 = r6; r2 = 0; call 132;" END)
//= leak_argument
ASM("tc", queries_by_an_address, "r2 = r10; r1 = records ll; call 134;" END)
//= argument_kind
SEC("tc") int own_field_as_a_buffer(struct __sk_buff *skb)
{
	return bpf_skb_load_bytes(skb, 0, skb->cb, 8);
}
//= map_type
SEC("socket") int jumps_into_a_hash(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &wides, 1);
	return 0;
}
//= size
SEC("tc") int none_or_sixteen(struct __sk_buff *skb)
{
	char head[16] = {};
	__u32 size = skb->len;

	if (size > 16)
		return 0;
	bpf_skb_load_bytes(skb, 0, head, size);
	return head[0];
}
//= size
SEC("tc") int signed_up_to_sixteen(struct __sk_buff *skb)
{
	char head[16] = {};
	long size = (int)skb->mark;

	if (size > 16 || size == 0)
		return 0;
	bpf_skb_load_bytes(skb, 0, head, size);
	return head[0];
}
//= constant_size
SEC("tc") int as_large_as_the_frame(struct __sk_buff *skb)
{
	__u32 size = skb->len & 63;
	char *record = bpf_ringbuf_reserve(&records, size + 1, 0);

	if (record)
		bpf_ringbuf_discard(record, 0);
	return 0;
}
//= buffer_bounds
SEC("raw_tp") int reads_sixteen_into_eight(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 word;

	bpf_probe_read_kernel(&word, 16, (void *)ctx->args[0]);
	return word;
}
//= record_bounds
SEC("socket") int writes_the_ninth(struct __sk_buff *skb)
{
	struct pair *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (!record)
		return 0;
	record->source = skb->len;
	record->target = skb->mark;
	bpf_ringbuf_submit(record, 0);
	return 0;
}
//= reference
SEC("xdp") int breaks_out_with_it(struct xdp_md *ctx)
{
	__u64 *record = 0;

	for (int i = 0; i < 2; i++) {
		record = bpf_ringbuf_reserve(&records, 8, 0);
		if (record)
			break;
	}
	return record ? XDP_DROP : XDP_PASS;
}
//= reference
SEC("tc") int writes_over_it(struct __sk_buff *skb)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	record = bpf_ringbuf_reserve(&records, 16, 0);
	if (record)
		bpf_ringbuf_submit(record, 0);
	return 0;
}
//= lock_kept
SEC("tc") int returns_in_the_middle(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guards, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	if (g->count > 100)
		return 1;
	g->count++;
	bpf_spin_unlock(&g->lock);
	return 0;
}
//= lock_call
SEC("tc") int times_it_within(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guards, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	g->bytes = bpf_ktime_get_ns();
	bpf_spin_unlock(&g->lock);
	return 0;
}
//= cut
ASM("xdp", moved_by_half, FRAME "w2 += 14; if r2 > r3 goto +1; r0 = *(u8 *)(r2 - 1);" END)
//= encoding
ASM("socket", calls_a_register, "r2 = 0; .byte 0x8d,0x02,0,0,0,0,0,0;" END)
//= read_only
SEC("tc") int writes_its_text(struct __sk_buff *skb)
{
	static const volatile char text[8] = "abcdefg";
	volatile char *at = (volatile char *)text;

	at[skb->len & 7] = 0;
	return 0;
}
//= number_followed
ASM("socket", half_restored, FIND(counters) "if r0 == 0 goto +3; r1 = 5; *(u64 *)(r10 - 16) = r1; r0 = *(u32 *)(r10 - 16); r0 = *(u8 *)(r0 + 0); exit;")
//= number_followed
SEC("raw_tp") int follows_its_argument(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 *place = (void *)ctx->args[1];

	return place[2];
}
//= number_followed; from 5.12
ASM("socket", exchanged_address, FIND(counters) "if r0 == 0 goto +5; r6 = r0; r0 = 0; r2 = 5; .byte 0xdb,0x26,0,0,0xf1,0,0,0; r0 = *(u64 *)(r0 + 0);" END)
//= two_pointers
SEC("socket") int how_far_apart(struct __sk_buff *skb)
{
	__u32 a = 1, b = 2;
	__u64 *first = bpf_map_lookup_elem(&counters, &a), *second = bpf_map_lookup_elem(&counters, &b);

	if (!first || !second)
		return 0;
	return second - first;
}
//= value_bounds|unbounded
SEC("cgroup_skb/ingress") int port_as_an_index(struct __sk_buff *skb)
{
	struct udphdr udp = {};
	__u64 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	if (!wide || bpf_skb_load_bytes(skb, 20, &udp, sizeof(udp)))
		return 1;
	wide->words[bpf_ntohs(udp.dest) % 7]++;
	return 1;
}
//= leak_stored
SEC("socket") int keeps_where_it_found(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		*value = (__u64)value;
	return 0;
}
//= result
SEC("cgroup/sendmsg4") int says_its_length(struct bpf_sock_addr *ctx)
{
	return ctx->user_port;
}
//= result
SEC("cgroup/post_bind4") int only_ports_above(struct bpf_sock *sk)
{
	return sk->src_port > 1023 ? 2 : 0;
}
//= two_kinds
ASM("tc", context_or_stack, "r6 = r10; r6 += -16; r2 = *(u32 *)(r1 + 0); r3 = 42; if r2 > 64 goto +1; r1 = r6; *(u32 *)(r1 + 8) = r3;" END)
//= two_kinds
ASM("tc", stack_or_context, "r6 = r10; r6 += -16; r2 = *(u32 *)(r1 + 0); r3 = 42; if r2 > 64 goto +1; goto +1; r1 = r6; *(u32 *)(r1 + 8) = r3;" END)
//= two_kinds
ASM("tc", context_or_value, "r6 = r1;" FIND(wides) "if r0 == 0 goto +4; r2 = *(u32 *)(r6 + 0); if r2 > 9 goto +1; r6 = r0; r0 = *(u32 *)(r6 + 8);" END)
//= two_kinds
ASM("tc", value_or_packet_or_context, "r6 = r1; r7 = *(u32 *)(r1 + 0);" FIND(wides) "if r0 == 0 goto +3; if r7 > 9 goto +1; r0 = r6; r0 = *(u32 *)(r0 + 4);" END)
//= map_followed
ASM("raw_tp", writes_into_a_map, "r6 = counters ll; r1 = 0; *(u32 *)(r6 + 0) = r1;" END)
//= context_moved
ASM("raw_tp", context_by_a_number, "r2 = *(u64 *)(r1 + 0); r2 &= 8; r1 += r2; r0 = *(u64 *)(r1 + 0); exit;")
//= context_moved
ASM("tc", before_the_context_for_a_call, "r1 += -612; call 34; exit;")
//= value_bounds
ASM("socket", there_and_back, FIND(wides) "if r0 == 0 goto +5; r1 = 48; r0 += r1; r1 = 48; r0 -= r1; r0 = *(u8 *)(r0 + 0); exit;" )
//= spilled
ASM("tc", overwritten_by_bytes, "r6 = r1; *(u64 *)(r10 - 8) = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 16; call 26; r1 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r1 + 0); exit;")
//= null
ASM("tc", asked_after, FIND(counters) "r1 = *(u64 *)(r0 + 0); if r0 == 0 goto +1; r0 = r1; exit;")
//= null
ASM("tc", asks_the_first_of_two, FIND(counters) "r6 = r0; r1 = counters ll; r2 = r10; r2 += -8; call 1; if r0 == 0 goto +1; r0 = *(u64 *)(r6 + 0); exit;")
//= socket_field
ASM("tc", port_by_bytes_too_far, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto +1; r0 = *(u8 *)(r1 + 83);" END)
//= key_unset
ASM("xdp", key_behind_a_gap, "r1 = 1; *(u8 *)(r10 - 12) = r1; r2 = 0; *(u32 *)(r10 - 8) = r2; *(u32 *)(r10 - 4) = r2; r2 = r10; r2 += -12; r1 = pairs ll; call 1;" END)
//= key_bounds
ASM("socket", key_over_the_end, "r2 = 0; *(u64 *)(r10 - 8) = r2; r2 = r10; r2 += -2; r1 = counters ll; call 1;" END)
//= argument_kind
ASM("socket", value_is_a_map, KEY "r1 = counters ll; r3 = pairs ll; r4 = 0; call 2;" END)
//= leak_stored; 5.10 comparison
ASM("tc", stack_into_the_packet, "r6 = r1;" DATA "r4 = r2; r4 += 8; if r4 > r3 goto +1; *(u64 *)(r2 + 0) = r10;" END)
//= encoding
ASM("socket", shift_by_a_field, "r0 = 1; .byte 0x67,0x10,0,0,1,0,0,0; exit;")
