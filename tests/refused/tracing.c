// SPDX-License-Identifier: GPL-2.0
// Raw tracepoints, which see the kernel: chapter 13's programs. They hold CAP_PERFMON.
#include "refused.h"

//= context
ASM("raw_tp", argument_written, "r0 = 0; *(u64 *)(r1 + 0) = r0; exit;")
//= context
ASM("raw_tp", argument_number_99, "r0 = *(u64 *)(r1 + 792); exit;")
//= context
ASM("raw_tp", out_of_line, "r0 = *(u32 *)(r1 + 2); exit;")
//= context
ASM("raw_tp", before_the_arguments, "r0 = *(u64 *)(r1 - 8); exit;")
//= number_followed
ASM("raw_tp", argument_followed, "r1 = *(u64 *)(r1 + 0); r0 = *(u32 *)(r1 + 16); exit;")
//= number_followed
SEC("raw_tp") int reads_the_skb(struct bpf_raw_tracepoint_args *ctx)
{
	struct __sk_buff *skb = (void *)ctx->args[0];

	return skb->len;
}
//= null
ASM("raw_tp", null_at_a_tracepoint, FIND(counters) "r0 = *(u64 *)(r0 + 0); exit;")
//= reference
SEC("raw_tp") int record_kept(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 16, 0);

	if (record)
		record[1] = ctx->args[1];
	return 0;
}
//= helper_type
ASM("raw_tp", packet_at_a_tracepoint, "r2 = 0; r3 = r10; r3 += -8; r4 = 4; call 26; exit;")
//= helper_type
ASM("raw_tp", redirect_at_a_tracepoint, "r1 = 1; r2 = 0; call 23; exit;")
//= unset
ASM("raw_tp", second_of_a_tracepoint, "r0 = r2; exit;")
//= buffer_bounds
SEC("raw_tp") int name_too_long(void *ctx)
{
	char name[8];

	bpf_get_current_comm(name, 16);
	return name[0];
}
//= argument_kind
ASM("raw_tp", stack_of_no_context, "r1 = r10; r2 = stacks ll; r3 = 0; call 27;" END)
//= map_type
ASM("raw_tp", stack_into_an_array, "r2 = counters ll; r3 = 0; call 27;" END)
//= value_bounds
ASM("raw_tp", behind_at_a_tracepoint, FIND(counters) "if r0 == 0 goto +1; r0 = *(u64 *)(r0 + 8); exit;")
//= size
ASM("raw_tp", read_of_any_size, "r2 = *(u64 *)(r1 + 8); r3 = *(u64 *)(r1 + 0); r1 = r10; r1 += -16; call 113;" END)
//= stack_bounds
ASM("raw_tp", above_at_a_tracepoint, "r0 = *(u64 *)(r10 + 8); exit;")
//= operation
ASM("raw_tp", product_at_a_tracepoint, "r1 *= 2;" END)
//= context_moved
ASM("raw_tp", moved_at_a_tracepoint, "r2 = *(u64 *)(r1 + 0); r2 &= 8; r1 += r2; r0 = *(u64 *)(r1 + 0); exit;")
//= size
SEC("raw_tp") int prints_nothing(void *ctx)
{
	char format[] = "hello";

	return bpf_trace_printk(format, 0);
}
//= buffer_bounds
SEC("raw_tp") int prints_more_than_there_is(void *ctx)
{
	char format[] = "hello";

	return bpf_trace_printk(format, 64);
}
