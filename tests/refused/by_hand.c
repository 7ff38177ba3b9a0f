// SPDX-License-Identifier: GPL-2.0
// By hand, in assembler: what compilers do not write, on the ground of the kernel's own tests.
#include "refused.h"

#define BYTES(SIZE) "r1 = r6; r2 = 0; r3 = r10; r3 += -64; r4 = " #SIZE "; call 26;"

//= unbounded
ASM("socket", mixed_signs, FIND(counters) "if r0 == 0 goto +6; r1 = *(u64 *)(r0 + 0); r2 = 2; if r1 s> r2 goto +3; r0 += r1; r3 = 0; *(u8 *)(r0 + 0) = r3;" END)
//= stack_bounds|unbounded
ASM("socket", far_above_the_stack, "r2 = r10; r2 += 0x7fffffff; r0 = *(u64 *)(r2 + 0); exit;")
//= stack_bounds
ASM("tc", twice_moved, "r2 = r10; r2 += -256; r2 += -264; r0 = 0; *(u64 *)(r2 + 0) = r0; exit;")
//= buffer_bounds|size
ASM("tc", as_many_as_masked, "r6 = r1; r7 = *(u32 *)(r1 + 0); r7 &= 127; r7 += 1; r1 = r6; r2 = 0; r3 = r10; r3 += -64; r4 = r7; call 26; exit;")
//= size
ASM("tc", signed_size, "r6 = r1; r7 = *(u32 *)(r1 + 0); r7 <<= 32; r7 s>>= 32; if r7 s> 64 goto +5; r1 = r6; r2 = 0; r3 = r10; r3 += -64; r4 = r7; call 26;" END)
//= packet_end
ASM("xdp", packet_for_a_value, FRAME "r3 = r2; r2 = 0; *(u64 *)(r10 - 8) = r2; r2 = r10; r2 += -8; r1 = counters ll; r4 = 0; call 2; r0 = 2; exit;")
//= packet_end; 5.10 comparison
ASM("xdp", too_few_for_a_value, FRAME "r4 = r2; r4 += 7; if r4 > r3 goto +8; r3 = r2; r2 = 0; *(u64 *)(r10 - 8) = r2; r2 = r10; r2 += -8; r1 = counters ll; r4 = 0; call 2; r0 = 2; exit;")
//= argument_kind
ASM("xdp", end_for_a_key, FRAME "r2 = r3; r1 = counters ll; call 1; r0 = 2; exit;")
//= value_bounds|buffer_bounds
ASM("socket", into_the_end_of_a_value, "r6 = r1;" FIND(wides) "if r0 == 0 goto +6; r3 = r0; r3 += 44; r1 = r6; r2 = 0; r4 = 8; call 26;" END)
//= leak_result
ASM("socket", end_of_the_stack, "r0 = r10; r0 += -8; exit;")
//= leak_stored
ASM("tc", map_into_a_value, FIND(counters) "if r0 == 0 goto +3; r1 = wides ll; *(u64 *)(r0 + 0) = r1;" END)
//= leak_stored
ASM("socket", exchanged_with_an_address, "r6 = r1;" FIND(counters) "if r0 == 0 goto +1; .8byte 0x000000e1000060db;" END)
//= map_followed
ASM("tc", field_of_a_map, "r1 = counters ll; r0 = *(u32 *)(r1 + 24); exit;")
//= fixed_pointer
ASM("socket", map_by_a_register, "r2 = *(u32 *)(r1 + 0); r2 &= 7; r1 = counters ll; r1 += r2; r0 = 0; exit;")
//= metadata
ASM("xdp", metadata_too_far, "r2 = *(u32 *)(r1 + 8); r3 = *(u32 *)(r1 + 0); r0 = *(u8 *)(r2 + 4); exit;")
//= metadata; 5.10 comparison
ASM("xdp", metadata_by_four, "r2 = *(u32 *)(r1 + 8); r3 = *(u32 *)(r1 + 0); r4 = r2; r4 += 4; if r4 > r3 goto +1; r0 = *(u32 *)(r2 + 1);" END)
//= stack_unset
ASM("socket", gap_in_a_word, "r0 = 1; *(u8 *)(r10 - 8) = r0; *(u8 *)(r10 - 6) = r0; r0 = *(u16 *)(r10 - 8); exit;")
//= buffer_unset
ASM("tc", second_half_unset, "r6 = 1; *(u64 *)(r10 - 16) = r6; r2 = 0; r3 = r10; r3 += -16; r4 = 16; r5 = 0; call 9;" END)
//= unset
ASM("socket", lost_after_loading, "r6 = r1; r5 = 3; r0 = *(u32 *)skb[r5]; r0 += r5; exit;")
//= spilled
ASM("tc", half_over_a_map, "r1 = counters ll; *(u64 *)(r10 - 8) = r1; r2 = 1; *(u32 *)(r10 - 4) = r2; r0 = 0; exit;")
//= null
ASM("socket", restored_without_asking, FIND(counters) "*(u64 *)(r10 - 16) = r0; r1 = *(u64 *)(r10 - 16); r0 = *(u64 *)(r1 + 0); exit;")
//= value_bounds
ASM("socket", restored_and_moved, FIND(counters) "if r0 == 0 goto +4; *(u64 *)(r10 - 16) = r0; r1 = *(u64 *)(r10 - 16); r1 += 8; r0 = *(u8 *)(r1 + 0);" END)
//= number_followed
ASM("tc", restored_as_a_number, "r2 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 16) = r2; r1 = *(u64 *)(r10 - 16); r0 = *(u64 *)(r1 + 0); exit;")
//= operation
ASM("socket", value_divided, FIND(counters) "if r0 == 0 goto +1; r0 /= 2;" END)
//= operation
ASM("tc", value_turned, FIND(counters) "if r0 == 0 goto +1; r0 = be64 r0;" END)
//= atomic_place
ASM("tc", adds_to_a_socket, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto +2; r2 = 1; lock *(u32 *)(r1 + 8) += r2;" END)
//= aligned
ASM("socket", adds_out_of_line, FIND(wides) "if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 + 3) += r1;" END)
//= stack_aligned
ASM("tc", adds_out_of_line_below, "r1 = 1; *(u64 *)(r10 - 8) = r1; *(u64 *)(r10 - 16) = r1; lock *(u64 *)(r10 - 12) += r1; r0 = 0; exit;")
//= unreachable
ASM("tc", behind_a_jump, "r0 = 0; goto +2; r0 = 1; r0 = 2; exit;")
//= outside
ASM("xdp", ends_in_a_jump, "r0 = 0; if r0 == 0 goto +1; goto +1; exit;")
//= context
ASM("cgroup_skb/egress", half_of_the_socket, "r0 = *(u32 *)(r1 + 168);" PASS)
//= socket_field
ASM("cgroup_skb/ingress", eight_of_the_family, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto +1; r1 = *(u64 *)(r1 + 4);" PASS)
//= release
ASM("tc", released_the_context, "call 86;" END)
//= argument_kind|release
ASM("tc", released_a_number, "r1 = 7; call 86;" END)
//= comparison
ASM("tc", packet_and_a_map, DATA "r4 = counters ll; if r2 > r4 goto +0;" END)
