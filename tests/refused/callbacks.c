// SPDX-License-Identifier: GPL-2.0
// Functions that the kernel calls back, and functions that programs call.
#include "refused.h"

static int five(__u32 index, void *data)
{
	return 5;
}
//= callback_result; 5.10 helper_type|helper_unknown
SEC("tc") int answers_five(struct __sk_buff *skb)
{
	return bpf_loop(10, five, NULL, 0);
}
static int looks(__u32 index, void *data)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &index);

	*value += 1;
	return 0;
}
//= null; 5.10 helper_type|helper_unknown
SEC("xdp") int null_in_a_callback(struct xdp_md *ctx)
{
	return bpf_loop(4, looks, NULL, 0) ? XDP_PASS : XDP_DROP;
}
static __attribute__((naked)) int third(void)
{
	asm volatile("r0 = r3; exit;");
}
//= unset; 5.10 helper_type|helper_unknown
SEC("tc") int third_of_two(struct __sk_buff *skb)
{
	return bpf_loop(4, third, NULL, 0);
}
struct sums {
	__u64 words[2];
};
static int beyond(__u32 index, void *data)
{
	struct sums *sums = data;

	sums->words[2] = index;
	return 0;
}
//= stack_bounds; 5.10 helper_type|helper_unknown
SEC("tc") int above_the_callers_stack(struct __sk_buff *skb)
{
	struct sums sums = {};

	bpf_loop(2, beyond, &sums, 0);
	return sums.words[1];
}
static int dereferences(__u32 index, void *data)
{
	return *(__u32 *)data & 1;
}
//= zero_followed|number_followed; 5.10 helper_type|helper_unknown
SEC("socket") int follows_no_data(struct __sk_buff *skb)
{
	return bpf_loop(2, dereferences, NULL, 0);
}
//= argument_kind; 5.10 helper_type|helper_unknown
ASM("tc", callback_is_zero, "r1 = 4; r2 = 0; r3 = 0; r4 = 0; call 181;" END)
//= argument_kind; 5.10 helper_type|helper_unknown
SEC("tc") int data_is_five(struct __sk_buff *skb)
{
	return bpf_loop(2, dereferences, (void *)5, 0);
}
static long each(void *map, __u32 *key, __u64 *value, void *data)
{
	*value = 0;
	return 0;
}
//= map_type; 5.10 helper_type|helper_unknown
SEC("tc") int each_of_a_ring(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&records, each, NULL, 0);
}
//= argument_kind; 5.10 helper_type|helper_unknown
SEC("tc") int each_with_five(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&counters, each, (void *)5, 0);
}
static long each_behind(void *map, __u32 *key, __u64 *value, void *data)
{
	value[1] = *key;
	return 0;
}
//= value_bounds; 5.10 helper_type|helper_unknown
SEC("xdp") int behind_each(struct xdp_md *ctx)
{
	bpf_for_each_map_elem(&counters, each_behind, NULL, 0);
	return XDP_PASS;
}
static long each_key(void *map, __u32 *key, __u64 *value, void *data)
{
	*key = 7;
	return 0;
}
//= read_only; 5.10 helper_type|helper_unknown
SEC("tc") int changes_each_key(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&counters, each_key, NULL, 0);
}
static int keeps(__u32 index, void *data)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (record)
		*record = index;
	return 0;
}
//= reference; 5.10 helper_type|helper_unknown
SEC("socket") int record_of_a_callback(struct __sk_buff *skb)
{
	return bpf_loop(2, keeps, NULL, 0);
}
static __attribute__((noinline)) int again(int number)
{
	asm volatile("" : "+r"(number));
	if (number > 9)
		return number;
	number = again(number + 1);
	asm volatile("" : "+r"(number));
	return number + 1;
}
//= call_depth
SEC("socket") int calls_itself(struct __sk_buff *skb)
{
	return again(skb->len);
}
#define DOWN(NAME, NEXT) \
	static __attribute__((noinline)) int NAME(int number) \
	{ \
		asm volatile("" : "+r"(number)); \
		number = NEXT(number + 1); \
		asm volatile("" : "+r"(number)); \
		return number + 1; \
	}
static __attribute__((noinline)) int ninth(int number)
{
	asm volatile("" : "+r"(number));
	return number;
}
DOWN(eighth, ninth)
DOWN(seventh, eighth)
DOWN(sixth, seventh)
DOWN(fifth, sixth)
DOWN(fourth, fifth)
DOWN(third_down, fourth)
DOWN(second_down, third_down)
DOWN(first_down, second_down)
//= call_depth
SEC("socket") int ten_deep(struct __sk_buff *skb)
{
	return first_down(skb->len);
}
static __attribute__((naked, noinline)) int reads_six(void)
{
	asm volatile("r0 = r6; exit;");
}
//= unset
SEC("tc") int register_of_the_caller(struct __sk_buff *skb)
{
	return reads_six();
}
static __attribute__((naked, noinline)) int answers_nothing(void)
{
	asm volatile("r1 = 4; exit;");
}
//= unset
SEC("tc") int answer_of_nothing(struct __sk_buff *skb)
{
	return answers_nothing() + 1;
}
static __attribute__((noinline)) int both(struct __sk_buff *skb, __u64 *number)
{
	asm volatile("" : "+r"(number));
	return *number + skb->len;
}
//= stack_unset
SEC("socket") int unset_of_the_caller(struct __sk_buff *skb)
{
	__u64 number;

	return both(skb, &number);
}
static __attribute__((noinline)) int pulls(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 64);
}
//= unset; 5.10 comparison
SEC("tc") int pulled_by_a_function(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 34 > end)
		return 0;
	if (pulls(skb))
		return 0;
	return data[12];
}
static __attribute__((noinline)) __u64 *value_of(void)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(&counters, &key);
}
//= argument_null
SEC("tc") int value_of_a_function(struct __sk_buff *skb)
{
	return bpf_skb_load_bytes(skb, 0, value_of(), 8);
}
static int goes_to_two(__u32 at, void *nothing)
{
	return 2;
}
//= callback_result; from 5.17
SEC("tc") int stops_with_two(struct __sk_buff *skb)
{
	return bpf_loop(4, goes_to_two, NULL, 0);
}
static long as_the_value(void *map, __u32 *key, __u64 *value, void *nothing)
{
	return *value;
}
//= callback_result; from 5.13
SEC("tc") int stops_with_the_value(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&counters, as_the_value, NULL, 0);
}
__attribute__((noinline)) int first_of(__u64 *number)
{
	return *number;
}
//= null; from 5.13
SEC("tc") int any_caller(struct __sk_buff *skb)
{
	__u64 number = 4;

	return first_of(&number);
}
__attribute__((noinline)) int copied_from(__u64 *number)
{
	__u32 key = 0;

	return bpf_map_update_elem(&counters, &key, number, 0);
}
//= argument_null; from 5.13
SEC("xdp") int any_caller_of_a_helper(struct xdp_md *ctx)
{
	__u64 number = 4;

	return copied_from(&number);
}
__attribute__((noinline)) int third_of(struct wide *wide)
{
	return wide->words[2];
}
//= null; from 5.13
SEC("cgroup_skb/egress") int any_caller_of_the_third(struct __sk_buff *skb)
{
	struct wide wide = {.words = {1, 2, 3}};

	return third_of(&wide) & 1;
}
__attribute__((noinline)) int nth_of(struct wide *wide, __u64 at)
{
	asm volatile("%0 &= 3; %0 <<= 3; %1 += %0" : "+r"(at), "+r"(wide));
	return wide->words[0];
}
//= null_moved; from 5.13
SEC("raw_tp") int any_caller_of_the_nth(void *ctx)
{
	struct wide wide = {.words = {1, 2, 3}};

	return nth_of(&wide, bpf_get_prandom_u32());
}
__attribute__((noinline)) int behind_it(__u64 *number)
{
	return number ? ((volatile __u64 *)number)[1] : 0;
}
//= record_bounds; from 5.13
SEC("tc") int any_caller_of_two(struct __sk_buff *skb)
{
	__u64 numbers[2] = {4, 5};

	return behind_it(numbers);
}
__attribute__((noinline)) int of_r7(int number)
{
	asm volatile("r0 = r7" ::: "r0");
	return number;
}
//= unset
SEC("tc") int global_reads_what_is_its_callers(struct __sk_buff *skb)
{
	return of_r7(skb->len);
}
static int its_turn(__u32 index, __u64 *sum)
{
	*sum += index;
	return index;
}
//= callback_result; from 5.17
SEC("xdp") int stops_with_the_index(struct xdp_md *ctx)
{
	__u64 sum = 0;

	bpf_loop(3, its_turn, &sum, 0);
	return XDP_PASS;
}
static int into_the_callers(__u32 index, struct wide *wide)
{
	wide->words[index] = index;
	return 0;
}
//= stack_index|stack_bounds; from 5.17
SEC("tc") int by_the_index_of_a_loop(struct __sk_buff *skb)
{
	struct wide wide = {};

	bpf_loop(6, into_the_callers, &wide, 0);
	return wide.words[1];
}
static int masked_into_the_callers(__u32 index, struct wide *wide)
{
	wide->words[index & 3] = index;
	return 0;
}
//= stack_index; from 5.17
SEC("socket") int by_a_masked_index_of_a_loop(struct __sk_buff *skb)
{
	struct wide wide = {};

	bpf_loop(6, masked_into_the_callers, &wide, 0);
	return wide.words[1];
}
__attribute__((noinline)) int not_in_the_context(struct __sk_buff *skb)
{
	return *(volatile __u32 *)((char *)skb + 400);
}
//= context
SEC("tc") int global_and_its_context(struct __sk_buff *skb)
{
	return not_in_the_context(skb);
}
static long behind_the_key(void *map, volatile __u32 *key, __u64 *value, void *nothing)
{
	return key[2] & 1;
}
//= key_bounds; from 5.13
SEC("tc") int behind_each_key(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&wides, behind_the_key, NULL, 0);
}
