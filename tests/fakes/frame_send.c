/* SPDX-License-Identifier: BSD-3-Clause
 * Puts Ethernet frames on a wire as they stand: frame_send INTERFACE HEX... (tests/kernel/lib/wire.lua). */
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_MAX = 65536 };

static unsigned char frame[FRAME_MAX];

/* Octets of a text of hexadecimal digits; 0 when it is none. */
static size_t read_hex(const char *text)
{
        size_t n = strlen(text) / 2;

        if (n * 2 != strlen(text) || n > sizeof(frame))
                return 0;
        for (size_t i = 0; i < n; i++) {
                unsigned v;

                if (sscanf(text + 2 * i, "%2x", &v) != 1)
                        return 0;
                frame[i] = (unsigned char)v;
        }
        return n;
}

int main(int argc, char **argv)
{
        struct sockaddr_ll to = {.sll_family = AF_PACKET};
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

        if (argc < 3 || (to.sll_ifindex = (int)if_nametoindex(argv[1])) == 0 || fd < 0) {
                (void)fprintf(stderr, "frame_send INTERFACE HEX..., as root\n");
                return 2;
        }
        for (int i = 2; i < argc; i++) {
                size_t n = read_hex(argv[i]);

                if (n < ETH_HLEN) {
                        (void)fprintf(stderr, "frame_send: argument %d is no frame\n", i);
                        return 2;
                }
                if (sendto(fd, frame, n, 0, (const struct sockaddr *)&to, sizeof(to)) != (ssize_t)n) {
                        perror("frame_send");
                        return 1;
                }
        }
        (void)close(fd);
        return 0;
}
