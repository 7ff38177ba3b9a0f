// SPDX-License-Identifier: GPL-2.0
// Registers that hold nothing, the one that is fixed, and instructions that are none.
#include "refused.h"

//= unset
ASM("socket", copy_of_nothing, "r0 = r7; exit;")
//= unset
ASM("socket", no_answer, "exit;")
//= unset
ASM("socket", second_argument, "r0 = *(u32 *)(r2 + 0); exit;")
//= unset
ASM("socket", sum_of_nothing, "r1 = 4; r0 += r1; exit;")
//= unset
ASM("socket", added_in_vain, "r0 = 3; r0 += r8; exit;")
//= unset
ASM("socket", compared_unset, "r0 = 0; if r4 == 0 goto +0; exit;")
//= unset
ASM("socket", compared_with_unset, "r0 = 0; if r0 > r9 goto +0; exit;")
//= unset
ASM("socket", lost_in_the_call, "call 7; r0 = *(u32 *)(r1 + 0); exit;")
//= unset
ASM("socket", third_lost, "r3 = 9; call 5; r0 = r3; exit;")
//= unset
ASM("socket", on_one_path, "r2 = *(u32 *)(r1 + 0); if r2 > 9 goto +1; r3 = 1; r0 = r3; exit;")
//= unset
ASM("socket", stored_unset, "*(u64 *)(r10 - 8) = r6;" END)
//= unset
ASM("socket", stored_at_unset, "r2 = 1; *(u64 *)(r5 - 8) = r2;" END)
//= unset
ASM("socket", negated_unset, "r0 = -r0; exit;")
//= unset
ASM("socket", swapped_unset, "r0 = be16 r0; exit;")
//= unset
ASM("socket", argument_missing, "r2 = 0; r3 = r10; r3 += -8; call 26; exit;")
//= unset
ASM("socket", one_argument_of_two, "r1 = counters ll; call 1; exit;")
//= unset; 5.10 encoding
ASM("socket", exchange_with_unset_r0,
    "r1 = 0; *(u64 *)(r10 - 8) = r1; r2 = 1; .8byte 0x000000f1fff82adb; exit;")
//= unset
ASM("socket", after_a_packet_load, "r6 = r1; r7 = 3; r4 = 2; r0 = *(u8 *)skb[9]; r0 += r4; exit;")
//= unset
ASM("tc", result_lost_on_a_path, "r3 = *(u32 *)(r1 + 0); if r3 == 1 goto +1; exit; r0 = 0; exit;")
//= unset
ASM("xdp", half_of_nothing, "w0 += 1; exit;")
//= frame
ASM("socket", new_frame, "r10 = r1;" END)
//= frame
ASM("socket", frame_moved, "r10 += -16;" END)
//= frame
ASM("tc", frame_loaded, "r10 = *(u32 *)(r1 + 0);" END)
//= frame
ASM("xdp", frame_as_number, "r10 = 7;" END)
//= encoding
ASM("socket", opcode_of_nobody, ".8byte 0x00000000000000ff;" END)
//= encoding
ASM("socket", register_fifteen, ".8byte 0x0000000000000fb7;" END)
//= encoding
ASM("socket", register_twelve, "r0 = 0; .8byte 0x000000000000c0bf; exit;")
//= encoding
ASM("socket", offset_of_a_move, ".8byte 0x00000000000700b7;" END)
//= encoding
ASM("socket", exit_with_a_number, "r0 = 0; .8byte 0x0000000500000095;")
//= encoding
ASM("tc", swap_of_24_bits, "r0 = 1; .8byte 0x00000018000000dc; exit;")
//= encoding
ASM("xdp", atomic_of_no_kind, "r0 = 1; *(u64 *)(r10 - 8) = r0; .8byte 0x00000077fff80adb; exit;")
//= encoding
ASM("socket", half_a_wide_number, ".8byte 0x0000000100000018; exit;")
//= encoding
ASM("socket", atomic_byte, "r0 = 1; *(u64 *)(r10 - 8) = r0; .8byte 0x00000000fff80ad3; exit;")
