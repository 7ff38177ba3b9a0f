// SPDX-License-Identifier: GPL-2.0
// Programs of other types: for streams, messages, tunnels, flows, and the choice of a socket.
#include "refused.h"

//= packet_end
SEC("sk_skb/stream_verdict") int first_of_a_stream(struct __sk_buff *skb)
{
	return *(__u8 *)(long)skb->data;
}
//= packet_end
SEC("sk_msg") int first_of_a_message(struct sk_msg_md *msg)
{
	return *(__u8 *)msg->data;
}
//= context
SEC("sk_msg") int sets_a_family(struct sk_msg_md *msg)
{
	msg->family = 2;
	return 1;
}
//= packet_write
SEC("lwt_in") int writes_on_the_way_in(struct __sk_buff *skb)
{
	*(__u8 *)(long)skb->data = 4;
	return 0;
}
//= packet_write; 5.10 comparison
SEC("lwt_out") int writes_on_the_way_out(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data;

	if (data + 1 > (char *)(long)skb->data_end)
		return 0;
	*data = 4;
	return 0;
}
//= context
SEC("lwt_xmit") int whose_class(struct __sk_buff *skb)
{
	return skb->tc_classid;
}
//= context
SEC("flow_dissector") int length_of_a_flow(struct __sk_buff *skb)
{
	return skb->len;
}
//= packet_write
SEC("flow_dissector") int dissects_by_writing(struct __sk_buff *skb)
{
	*(__u8 *)(long)skb->data = 4;
	return 0;
}
//= context
SEC("sockops") int sets_its_operation(struct bpf_sock_ops *ops)
{
	ops->op = 3;
	return 1;
}
//= packet_end
SEC("sockops") int first_of_its_packet(struct bpf_sock_ops *ops)
{
	return *(__u8 *)ops->skb_data;
}
//= null
SEC("sockops") int its_socket_not_asked(struct bpf_sock_ops *ops)
{
	return ops->sk->family;
}
//= context
SEC("sk_lookup") int sets_the_port(struct bpf_sk_lookup *ctx)
{
	ctx->local_port = 80;
	return 1;
}
//= null
SEC("sk_lookup") int its_own_not_asked(struct bpf_sk_lookup *ctx)
{
	return ctx->sk->family & 1;
}
//= result
SEC("sk_lookup") int answers_two(struct bpf_sk_lookup *ctx)
{
	return 2;
}
//= packet_end
SEC("sk_reuseport") int first_of_a_datagram(struct sk_reuseport_md *md)
{
	return *(__u8 *)md->data & 1;
}
