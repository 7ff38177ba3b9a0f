// SPDX-License-Identifier: GPL-2.0
// Runs a loaded program on the frames of a capture file, one after the other. The playground starts
// it, knows the file's format, and says here what to do.
//
// A whole Ethernet frame is sent to a socket that the program is attached to, many with one system
// call; the program answers 0, so that none arrives. For every other frame the program has to be
// told more, how much was cut off or with which protocol it begins: BPF_PROG_TEST_RUN does that,
// and takes twice as long.
//
//   feed_user PROGRAM    a file descriptor that it has inherited; orders come on its input, and
//                        what it has to say goes to its output, a line each time

#define _GNU_SOURCE // sendmmsg
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>

enum {
	RECORDS, // run the filter on Ethernet frames as a file has them, and on what it takes the program
	FRAME,   // the same with one frame of another link type
	FILTER,  // keep this classic BPF as the filter of that number
	REPORT,  // say how many frames there were
};

struct order {
	__u16 what;
	__u16 filter; // its number; 0 takes every frame
	__u32 size;   // of what follows the order, in bytes

	// RECORDS: where in each one lie the number of bytes that were kept of the frame, its length
	// on the wire, and the frame itself, in bytes from the record's first.
	__u32 kept_at, length_at, frame_at;
	__u16 swapped; // the numbers are in the other byte order
	__u16 blocks;  // pcapng: the record's own length lies at byte 4, and fills up four bytes

	// FRAME: what the filter sees comes first, and behind it what a test run gets.
	__u32 kept, length;
	__u32 cut, skipped; // bytes of the frame that the program does not see, at its end and in front
};

// A test run takes a page at most; every header that the program looks at lies before this.
enum { SHOWN = 3000, FILTERS = 256, TOGETHER = 256 };

// libpcap's, as <pcap/pcap.h> declares them; that header need not be installed.
struct bpf_program {
	unsigned int length;
	struct sock_filter *instructions;
};

struct pcap_pkthdr {
	struct timeval time;
	__u32 kept, length;
};

static int (*passes)(const struct bpf_program *, const struct pcap_pkthdr *, const __u8 *);
static struct bpf_program filters[FILTERS];
static unsigned long long frames;
static int program;
static int ends[2]; // of a pair of sockets: what is sent into the first comes to the program

// Frames that wait to be sent.
static struct iovec waiting[TOGETHER];
static unsigned int number_waiting;

static void fail(const char *why, ...)
{
	va_list more;

	va_start(more, why);
	vprintf(why, more);
	putchar('\n');
	exit(1); // that writes it
}

// What follows an order, and some bytes of room behind it; good until the next one.
static __u8 *get(__u32 size)
{
	static __u8 *memory;
	static __u32 room;

	if (size >= room) {
		room = size + 64;
		memory = realloc(memory, room);
		if (!memory)
			fail("there is no memory for %u bytes", room);
	}
	if (fread(memory, 1, size, stdin) != size)
		exit(1); // who gave the order is gone
	return memory;
}

static void keep_filter(const struct order *order)
{
	struct bpf_program *filter = &filters[order->filter % FILTERS];
	void *pcap = dlopen("libpcap.so.0.8", RTLD_NOW); // as Debian calls it

	if (!pcap)
		pcap = dlopen("libpcap.so.1", RTLD_NOW);
	if (!pcap || !(passes = dlsym(pcap, "pcap_offline_filter")))
		fail("libpcap cannot be used: %s", dlerror());
	filter->length = order->size / sizeof(*filter->instructions);
	filter->instructions = malloc(order->size);
	if (!filter->instructions)
		fail("there is no memory for the filter");
	memcpy(filter->instructions, get(order->size), order->size);
}

// The filter sees the frame as the file has it, and is run by libpcap, as tcpdump -r does.
static int is_wanted(int filter, const __u8 *frame, __u32 kept, __u32 length)
{
	struct pcap_pkthdr header = {.kept = kept, .length = length};

	frames++;
	return !filter || passes(&filters[filter % FILTERS], &header, frame);
}

static void open_sockets(void)
{
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) ||
	    setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		fail("no socket takes the program: %s", strerror(errno));
}

// Every order ends with it: the next one comes into the same memory.
static void send_waiting(void)
{
	static struct mmsghdr messages[TOGETHER];
	unsigned int sent = 0;

	for (unsigned int at = 0; at < number_waiting; at++) {
		messages[at].msg_hdr.msg_iov = &waiting[at];
		messages[at].msg_hdr.msg_iovlen = 1;
	}
	while (sent < number_waiting) {
		int more = sendmmsg(ends[0], messages + sent, number_waiting - sent, 0);

		if (more < 0)
			fail("a frame was not sent: %s", strerror(errno));
		sent += more;
	}
	number_waiting = 0;
}

static void send_frame(__u8 *frame, __u32 size)
{
	waiting[number_waiting].iov_base = frame;
	waiting[number_waiting].iov_len = size;
	if (++number_waiting == TOGETHER)
		send_waiting();
}

// The kernel takes the first 14 bytes away, as a driver does with an Ethernet header.
static void run_program(const __u8 *data, __u32 size, __u32 cut, __u32 skipped)
{
	struct __sk_buff context = {};
	union bpf_attr attributes = {};

	send_waiting(); // the order is kept
	if (size > ETH_HLEN + SHOWN) {
		cut += size - (ETH_HLEN + SHOWN);
		size = ETH_HLEN + SHOWN;
	}
	attributes.test.prog_fd = program;
	attributes.test.data_in = (unsigned long)data;
	attributes.test.data_size_in = size;
	attributes.test.repeat = 1;
	if (cut || skipped) { // the program counts both; without a context, which is quicker, they are 0
		context.cb[0] = cut;
		context.cb[1] = skipped;
		attributes.test.ctx_in = (unsigned long)&context;
		attributes.test.ctx_size_in = sizeof(context);
	}
	if (syscall(__NR_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)))
		fail("refused %d", errno);
}

static void run_on_frame(const struct order *order)
{
	const __u8 *frame = get(order->size);

	if (is_wanted(order->filter, frame, order->kept, order->length))
		run_program(frame + order->kept, order->size - order->kept, order->cut, order->skipped);
}

static __u32 number(const __u8 *at, int swapped)
{
	__u32 value;

	memcpy(&value, at, sizeof(value));
	return swapped ? __builtin_bswap32(value) : value;
}

static void run_on_records(const struct order *order)
{
	__u8 *record = get(order->size), *end = record + order->size;

	while (record < end) {
		__u32 kept = number(record + order->kept_at, order->swapped);
		__u32 length = number(record + order->length_at, order->swapped);
		__u32 size = order->frame_at + kept;
		__u8 *frame = record + order->frame_at;

		if (order->blocks)
			size = (number(record + 4, order->swapped) + 3) & ~3;
		if (length < kept)
			length = kept;
		if (!is_wanted(order->filter, frame, kept, length)) {
			// nothing to count
		} else if (kept == length && kept && kept <= SHOWN) {
			send_frame(frame, kept);
		} else {
			// The header of the record is done with: in its place 14 bytes to be taken away.
			memset(frame - ETH_HLEN, 0, ETH_HLEN);
			// A test run of nothing is refused: one byte, which the length denies.
			run_program(frame - ETH_HLEN, ETH_HLEN + (kept ? kept : 1), length - kept,
				    kept ? 0 : -1);
		}
		record += size;
	}
	send_waiting();
}

int main(int argc, char **argv)
{
	struct order order;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PROGRAM\n", argv[0]);
		return 2;
	}
	program = atoi(argv[1]);
	open_sockets();
	while (fread(&order, sizeof(order), 1, stdin) == 1) {
		if (order.what == RECORDS)
			run_on_records(&order);
		else if (order.what == FRAME)
			run_on_frame(&order);
		else if (order.what == FILTER)
			keep_filter(&order);
		else
			printf("%llu\n", frames), fflush(stdout);
	}
	return 0;
}
