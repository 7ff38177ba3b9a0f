// SPDX-License-Identifier: GPL-2.0
// Once more where reasons are new: locks, regions, callbacks, and helpers of the network.
#include "refused.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(key_size, 0);
	__uint(value_size, 8);
} queue SEC(".maps");
MAP(per_processor, BPF_MAP_TYPE_PERCPU_HASH, __u64, __u64, 4, 0);

static struct guarded *of(__u32 key)
{
	return bpf_map_lookup_elem(&guards, &key);
}
//= lock_place
ASM("tc", unlocks_beside_it, FIND(guards) "if r0 == 0 goto +6; r6 = r0; r1 = r0; call 93; r1 = r6; r1 += 4; call 94;" END)
//= lock_other
SEC("tc") int unlocks_what_it_found_again(struct __sk_buff *skb)
{
	struct guarded *first = of(1), *second = of(1);

	if (!first || !second)
		return 0;
	bpf_spin_lock(&first->lock);
	bpf_spin_unlock(&second->lock);
	return 0;
}
static __attribute__((noinline)) __u64 now(void)
{
	return bpf_ktime_get_ns();
}
//= lock_call
SEC("tc") int asks_the_time_by_a_function(struct __sk_buff *skb)
{
	struct guarded *guarded = of(0);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	guarded->bytes = now();
	bpf_spin_unlock(&guarded->lock);
	return 0;
}
//= lock_kept
SEC("xdp") int goes_on_while_locked(struct xdp_md *ctx)
{
	struct guarded *guarded = of(0);

	if (!guarded)
		return XDP_PASS;
	for (int i = 0; i < 3; i++) {
		bpf_spin_lock(&guarded->lock);
		if (guarded->count == i)
			continue;
		bpf_spin_unlock(&guarded->lock);
	}
	return XDP_PASS;
}
//= lock_touched
SEC("tc") int event_of_it_all(struct __sk_buff *skb)
{
	struct guarded *guarded = of(0);

	if (guarded)
		bpf_perf_event_output(skb, &events, 0, guarded, sizeof(*guarded));
	return 0;
}
static int adds(__u32 index, void *data)
{
	return 0;
}
//= argument_kind; 5.10 helper_type|helper_unknown
SEC("tc") int value_for_the_data(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return value ? bpf_loop(2, adds, value, 0) : 0;
}
//= leak_argument; 5.10 helper_type|helper_unknown
SEC("tc") int as_many_as_an_address(struct __sk_buff *skb)
{
	return bpf_loop((long)skb, adds, NULL, 0);
}
//= size; 5.10 helper_type|helper_unknown
ASM("socket", compares_nothing, KEY "r1 = r2; r2 = 0; r3 = 0; call 182;" END)
//= argument_kind
ASM("tc", sums_eight_of_nothing, KEY "r3 = r2; r1 = 0; r2 = 8; r4 = 8; r5 = 0; call 28;" END)
//= argument_kind
ASM("tc", tcp_of_a_number, "r1 = 7; call 96;" END)
//= argument_kind
ASM("tc", whole_of_the_context, "call 95;" END)
//= leak_argument
ASM("xdp", head_by_an_address, "r2 = r10; call 44; r0 = 2; exit;")
//= leak_argument
ASM("socket", asked_by_an_address, "r2 = r1; r1 = records ll; call 134;" END)
//= value_unset
ASM("tc", pushes_what_is_unset, "r1 = queue ll; r2 = r10; r2 += -8; r3 = 0; call 87;" END)
//= value_short
ASM("tc", pops_into_four, "r1 = queue ll; r2 = r10; r2 += -4; call 88;" END)
//= key_unset; 5.10 helper_type|helper_unknown
ASM("tc", key_of_a_processor, "r1 = per_processor ll; r2 = r10; r2 += -8; r3 = 0; call 195;" END)
//= size
ASM("raw_tp", string_of_any_size, "r2 = *(u64 *)(r1 + 8); r3 = *(u64 *)(r1 + 0); r1 = r10; r1 += -16; call 115;" END)
//= packet_end
ASM("tc", route_by_the_packet, "r2 = *(u32 *)(r1 + 76); r3 = 64; r4 = 0; call 69;" END)
//= map_type
ASM("cgroup_skb/ingress", popped_from_programs, KEY "r1 = programs ll; call 88;" PASS)
//= null
SEC("cgroup/sysctl") int null_at_a_setting(struct bpf_sysctl *ctx)
{
	__u32 key = ctx->write;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	*value += 1;
	return 1;
}
//= packet_end; 5.10 comparison
SEC("cgroup/setsockopt") int second_byte_of_an_option(struct bpf_sockopt *ctx)
{
	__u8 *value = ctx->optval, *end = ctx->optval_end;

	if (value + 1 > end)
		return 1;
	return value[1] & 1;
}
//= result
SEC("cgroup/setsockopt") int level_of_an_option(struct bpf_sockopt *ctx)
{
	return ctx->level;
}
//= context
SEC("cgroup/bind4") int sets_the_protocol(struct bpf_sock_addr *ctx)
{
	ctx->protocol = 17;
	return 1;
}
