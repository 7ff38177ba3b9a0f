// SPDX-License-Identifier: GPL-2.0
// sockex1, the part that runs in user space: loads sockex1_kern.o, attaches it, prints.
// Explained in chapter 03, beside the same five steps in Python.
//
//   sockex1_user OBJECT            on this machine's lo, with a ping of its own (needs CAP_NET_RAW)
//   sockex1_user OBJECT SOCKET     on a raw socket handed over as a file descriptor; whoever made
//                                  it also pings, and writes a line for each reply to our input

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

// A raw socket that hears nothing yet: protocol 0.
static int open_raw_socket(void)
{
	int sock = socket(PF_PACKET, SOCK_RAW, 0);

	if (sock < 0)
		fail("raw socket (it needs CAP_NET_RAW)");
	return sock;
}

// From now on it hears every protocol on lo, and the program already sits in front of it.
static void listen_on_lo(int sock)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = 1, // lo is the first interface of every network namespace
	};

	if (bind(sock, (struct sockaddr *)&address, sizeof(address)))
		fail("bind to lo");
}

static unsigned long long bytes_of(int map, unsigned int protocol)
{
	unsigned long long bytes = 0;

	bpf_map_lookup_elem(map, &protocol, &bytes);
	return bytes;
}

static void print_counters(int map)
{
	printf("TCP %llu UDP %llu ICMP %llu bytes\n", bytes_of(map, IPPROTO_TCP),
	       bytes_of(map, IPPROTO_UDP), bytes_of(map, IPPROTO_ICMP));
	fflush(stdout);
}

// One ping and its reply: our own, or one that we are told of.
static int one_ping(int handed_over)
{
	char line[256];

	if (handed_over)
		return fgets(line, sizeof(line), stdin) != NULL;
	return system("ping -4 -c 1 localhost > /dev/null") == 0;
}

int main(int argc, char **argv)
{
	int handed_over = argc > 2;

	if (argc < 2) {
		fprintf(stderr, "usage: %s OBJECT [SOCKET]\n", argv[0]);
		return 2;
	}

	// 1. Load the object file: its map is created, its program loaded.
	struct bpf_object *object = bpf_object__open(argv[1]);
	if (!object || bpf_object__load(object))
		fail(argv[1]);
	int program = bpf_program__fd(bpf_object__find_program_by_name(object, "count_bytes"));
	int map = bpf_object__find_map_fd_by_name(object, "bytes_by_protocol");

	// 2. A raw socket on the loopback device.
	int sock = handed_over ? atoi(argv[2]) : open_raw_socket();

	// 3. Attach the program to the socket.
	if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		fail("SO_ATTACH_BPF");
	listen_on_lo(sock);

	// 4. and 5. Print the counters, then four times: ping, and print them again.
	print_counters(map);
	for (int i = 0; i < 4; i++) {
		if (!one_ping(handed_over)) {
			fprintf(stderr, "no reply to ping: is it installed, and lo up?\n");
			return 1;
		}
		print_counters(map);
	}

	bpf_object__close(object);
	return 0;
}
