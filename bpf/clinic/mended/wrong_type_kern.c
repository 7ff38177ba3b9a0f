// SPDX-License-Identifier: GPL-2.0
// A socket filter cannot change a packet, but it decides how much of it the reader gets.
#include "clinic.h"

SEC("socket")
int hide_source(struct __sk_buff *skb)
{
	return SOURCE;
}
