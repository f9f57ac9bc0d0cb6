/* SPDX-License-Identifier: BSD-3-Clause
 * ESP in UDP: the socket whose packets the kernel takes (RFC 3948), and its keep-alives (RFC 3948 2.3). */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/ipsec/sa_kernel_int.h"
#include "common/net/udp.h"

struct sa_encap {
        struct list node;
        struct udp *udp;
};

/* What the kernel leaves to us is neither ESP nor a keep-alive: IKE, which nobody speaks here. */
static void on_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        char text[ADDR_STR];

        (void)u;
        (void)arg;
        log_debug("ipsec: %zu octets from %s at the port for ESP in UDP are no ESP", data.n,
                  addr_str(from, text));
}

int sa_encap_open(struct sa_kernel *k, const struct addr *local, struct sa_encap **out)
{
        struct sa_encap *e = calloc(1, sizeof(*e));
        struct addr at = *local;
        int err;

        if (!e)
                return -IMS_ENOMEM;
        if (!addr_port(&at))
                addr_set_port(&at, SA_ENCAP_PORT);
        err = udp_open(k->loop, &at, on_datagram, e, &e->udp);
        if (!err)
                err = udp_take_esp(e->udp);
        if (err) {
                udp_close(e->udp);
                free(e);
                return err;
        }
        list_append(&k->encaps, &e->node);
        *out = e;
        return 0;
}

void sa_encap_keep_alive(struct sa_encap *e, const struct addr *to)
{
        char text[ADDR_STR];
        int err = udp_send(e->udp, to, span_of("\xff"));

        if (err)
                log_debug("ipsec: no keep-alive to %s: %s", addr_str(to, text), ims_strerror(err));
}

void sa_encap_close(struct sa_encap *e)
{
        if (!e)
                return;
        list_unlink(&e->node);
        udp_close(e->udp);
        free(e);
}

uint16_t sa_encap_port(const struct sa_kernel *k, const struct addr *local)
{
        list_for_each(pos, &k->encaps)
        {
                const struct addr *at = udp_local(container_of(pos, struct sa_encap, node)->udp);

                if (addr_is_v6(at) == addr_is_v6(local) && (addr_is_any(at) || addr_ip_eq(at, local)))
                        return addr_port(at);
        }
        return SA_ENCAP_PORT;
}
