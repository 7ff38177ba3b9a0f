// SPDX-License-Identifier: GPL-2.0
// Locks and timers: where they may be, what may be done while one is held.
#include "refused.h"

struct timed {
	struct bpf_timer timer;
	__u64 count;
};
MAP(others, BPF_MAP_TYPE_HASH, __u32, struct guarded, 4, 0);
MAP(alarms, BPF_MAP_TYPE_ARRAY, __u32, struct timed, 4, 0);
MAP(more_alarms, BPF_MAP_TYPE_ARRAY, __u32, struct timed, 4, 0);
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 16);
} untyped SEC(".maps");

//= lock_type
SEC("socket") int locks_at_a_socket(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	guarded->bytes += skb->len;
	bpf_spin_unlock(&guarded->lock);
	return 0;
}
//= lock_type
ASM("socket", only_looks_at_a_socket, FIND(guards) END)
//= lock_type
ASM("raw_tp", looks_at_a_tracepoint, FIND(guards) END)
static struct guarded *of(__u32 key)
{
	return bpf_map_lookup_elem(&guards, &key);
}
//= lock_twice
SEC("tc") int two_at_once(struct __sk_buff *skb)
{
	struct guarded *first = of(0), *second = of(1);

	if (!first || !second)
		return 0;
	bpf_spin_lock(&first->lock);
	bpf_spin_lock(&second->lock);
	first->count = second->count;
	bpf_spin_unlock(&second->lock);
	bpf_spin_unlock(&first->lock);
	return 0;
}
//= lock_other
SEC("xdp") int unlocks_the_other(struct xdp_md *ctx)
{
	struct guarded *first = of(0), *second = of(1);

	if (!first || !second)
		return XDP_PASS;
	bpf_spin_lock(&first->lock);
	first->count++;
	bpf_spin_unlock(&second->lock);
	return XDP_PASS;
}
//= lock_kept
ASM("tc", loads_while_locked,
    "r6 = r1;" FIND(guards) "if r0 == 0 goto +7; r7 = r0; r1 = r0; call 93; r0 = *(u8 *)skb[23]; r8 = r0; r1 = r7; call 94;" END)
//= lock_place
SEC("tc") int lock_by_an_index(struct __sk_buff *skb)
{
	__u32 key = 0;
	void *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return 0;
	guarded += 4;
	bpf_spin_lock(guarded);
	bpf_spin_unlock(guarded);
	return 0;
}
//= lock_place
SEC("tc") int lock_without_types(struct __sk_buff *skb)
{
	__u32 key = 0;
	void *value = bpf_map_lookup_elem(&untyped, &key);

	if (!value)
		return 0;
	bpf_spin_lock(value);
	bpf_spin_unlock(value);
	return 0;
}
//= lock_place|argument_kind
SEC("tc") int lock_of_its_own(struct __sk_buff *skb)
{
	struct bpf_spin_lock lock = {};

	bpf_spin_lock(&lock);
	bpf_spin_unlock(&lock);
	return 0;
}
//= lock_place|argument_kind
ASM("xdp", lock_is_the_context, "call 93; r0 = 2; exit;")
//= lock_call
ASM("tc", next_program_while_locked,
    "r6 = r1;" FIND(guards) "if r0 == 0 goto +7; r1 = r0; call 93; r1 = r6; r2 = programs ll; r3 = 0; call 12;" END)
//= lock_call
SEC("xdp") int looks_up_while_locked(struct xdp_md *ctx)
{
	struct guarded *guarded = of(0);
	__u32 key = 3;
	__u64 *value;

	if (!guarded)
		return XDP_PASS;
	bpf_spin_lock(&guarded->lock);
	value = bpf_map_lookup_elem(&counters, &key);
	if (value)
		guarded->bytes = *value;
	bpf_spin_unlock(&guarded->lock);
	return XDP_PASS;
}
__attribute__((noinline)) int counted(int number)
{
	asm volatile("");
	return number + 1;
}
//= lock_call
SEC("tc") int calls_a_global_one(struct __sk_buff *skb)
{
	struct guarded *guarded = of(0);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	guarded->count = counted(guarded->count);
	bpf_spin_unlock(&guarded->lock);
	return 0;
}
//= lock_kept
SEC("cgroup_skb/ingress") int locked_in_a_loop(struct __sk_buff *skb)
{
	struct guarded *guarded = of(0);

	if (!guarded)
		return 1;
	for (int i = 0; i < 3; i++) {
		bpf_spin_lock(&guarded->lock);
		if (guarded->count > i)
			break;
		bpf_spin_unlock(&guarded->lock);
	}
	return 1;
}
//= lock_touched
SEC("cgroup_skb/egress") int clears_it_all(struct __sk_buff *skb)
{
	struct guarded *guarded = of(2);

	if (guarded)
		__builtin_memset(guarded, 0, sizeof(*guarded));
	return 1;
}
//= lock_touched
SEC("tc") int name_into_the_lock(struct __sk_buff *skb)
{
	struct guarded *guarded = of(2);

	return guarded ? bpf_skb_load_bytes(skb, 0, guarded, 8) : 0;
}
//= lock_touched|timer_touched; from 5.15
SEC("tc") int reads_a_timer(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *timed = bpf_map_lookup_elem(&alarms, &key);

	return timed ? timed[0] : 0;
}
//= timer_map; from 5.15
SEC("tc") int timer_of_another_map(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&alarms, &key);

	return timed ? bpf_timer_init(&timed->timer, &more_alarms, 1) : 0;
}
//= argument_null; from 5.15
SEC("xdp") int timer_perhaps_null(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index & 3;
	struct timed *timed = bpf_map_lookup_elem(&alarms, &key);

	bpf_timer_start((void *)timed, 100, 0);
	return XDP_PASS;
}
//= lock_place|timer_place; from 5.15
SEC("tc") int timer_of_its_own(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return value ? bpf_timer_cancel((void *)value) : 0;
}
static int returns_one(void *map, __u32 *key, struct timed *timed)
{
	return 1;
}
//= callback_result; from 5.15
SEC("cgroup_skb/egress") int timer_that_returns_one(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&alarms, &key);

	if (timed)
		bpf_timer_set_callback(&timed->timer, returns_one);
	return 1;
}
static int returns_the_key(void *map, __u32 *key, struct timed *timed)
{
	return *key;
}
//= callback_result; from 5.15
SEC("tc") int timer_that_returns_the_key(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&alarms, &key);

	if (timed)
		bpf_timer_set_callback(&timed->timer, returns_the_key);
	return 0;
}
struct later {
	__u64 count;
	struct bpf_timer timer;
};
struct locked_later {
	__u64 count;
	struct bpf_spin_lock lock;
};
MAP(laters, BPF_MAP_TYPE_ARRAY, __u32, struct later, 4, 0);
MAP(locked_laters, BPF_MAP_TYPE_ARRAY, __u32, struct locked_later, 4, 0);
//= special_moved; from 5.15
SEC("tc") int timer_that_is_not_first(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct later *later = bpf_map_lookup_elem(&laters, &key);

	return later ? bpf_timer_cancel(&later->timer) : 0;
}
//= special_moved
SEC("xdp") int lock_that_is_not_first(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct locked_later *later = bpf_map_lookup_elem(&locked_laters, &key);

	if (!later)
		return XDP_PASS;
	bpf_spin_lock(&later->lock);
	later->count++;
	bpf_spin_unlock(&later->lock);
	return XDP_PASS;
}
