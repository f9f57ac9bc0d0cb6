/* SPDX-License-Identifier: BSD-3-Clause
 * c-ares on the loop: its sockets by uv_poll, its timeouts by a timer of ours. */
#include <stdlib.h>
#include <sys/time.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/net/resolver_int.h"

#define DNS_PORT  53
#define DNS_TRIES 2

struct dns_socket {
        uv_poll_t poll;
        struct list node;
        struct resolver *r;
        ares_socket_t fd;
};

static void on_closed(uv_handle_t *handle)
{
        free(handle->data);
}

static void on_event(uv_poll_t *handle, int status, int events)
{
        struct dns_socket *s = handle->data;
        struct resolver *r = s->r;
        ares_socket_t fd = s->fd;

        if (status < 0)
                events = UV_READABLE | UV_WRITABLE; /* c-ares sees the error itself */
        ares_process_fd(r->channel, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
                        events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
        dns_channel_kick(r);
}

static struct dns_socket *socket_find(struct resolver *r, ares_socket_t fd)
{
        list_for_each(pos, &r->sockets)
        {
                struct dns_socket *s = container_of(pos, struct dns_socket, node);

                if (s->fd == fd)
                        return s;
        }
        return NULL;
}

static struct dns_socket *socket_new(struct resolver *r, ares_socket_t fd)
{
        struct dns_socket *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->r = r;
        s->fd = fd;
        s->poll.data = s;
        if (uv_poll_init_socket(loop_uv(r->loop), &s->poll, fd) != 0) {
                free(s);
                return NULL;
        }
        list_append(&r->sockets, &s->node);
        return s;
}

/* c-ares opened, wants or closes (neither) a socket. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
        struct resolver *r = arg;
        struct dns_socket *s = socket_find(r, fd);
        int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

        if (!s && events) {
                s = socket_new(r, fd);
                if (!s)
                        log_error("dns: a socket cannot be watched: out of memory");
        }
        if (!s)
                return;
        if (events) {
                (void)uv_poll_start(&s->poll, events, on_event);
                return;
        }
        list_unlink(&s->node);
        (void)uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_closed);
}

static void on_timer(struct tmr *t, void *arg)
{
        struct resolver *r = arg;

        (void)t;
        ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        dns_channel_kick(r);
}

void dns_channel_kick(struct resolver *r)
{
        struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);

        if (!next)
                tmr_stop(r->loop, &r->timer);
        else if (tmr_start(r->loop, &r->timer,
                           (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1, on_timer,
                           r) != 0)
                log_error("dns: no timer: out of memory");
}

static int servers_set(struct resolver *r, char *const *servers, size_t n, size_t *bad)
{
        struct buf csv = BUF_INIT;
        char text[ADDR_STR];
        struct addr a;
        int err = 0;

        for (size_t i = 0; i < n; i++) {
                if (addr_parse(span_of(servers[i]), DNS_PORT, &a) != 0) {
                        *bad = i;
                        buf_free(&csv);
                        return -IMS_ECONF;
                }
                buf_printf(&csv, "%s%s", i ? "," : "", addr_str(&a, text));
        }
        buf_char(&csv, '\0');
        if (csv.err || (n && ares_set_servers_ports_csv(r->channel, csv.p) != ARES_SUCCESS))
                err = -IMS_ENOMEM;
        buf_free(&csv);
        return err;
}

int dns_channel_open(struct resolver *r, char *const *servers, size_t n, size_t *bad)
{
        struct ares_options o = {
                .flags = ARES_FLAG_NOSEARCH,
                .timeout = (int)ims_timer_rows[IMS_TIMER_DNS_ANSWER].default_ms,
                .tries = DNS_TRIES,
                .sock_state_cb = on_socket_state,
                .sock_state_cb_data = r,
        };

        if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
                return -IMS_ENOMEM;
        if (ares_init_options(&r->channel, &o,
                              ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                      ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
                ares_library_cleanup();
                return -IMS_EIO;
        }
        r->has_channel = true;
        return servers_set(r, servers, n, bad);
}

void dns_channel_close(struct resolver *r)
{
        if (!r->has_channel)
                return;
        ares_destroy(r->channel); /* ends every query: its callback sees ARES_EDESTRUCTION */
        ares_library_cleanup();
        r->has_channel = false;
        tmr_stop(r->loop, &r->timer);
}
