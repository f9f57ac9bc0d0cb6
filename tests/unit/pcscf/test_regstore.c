/* SPDX-License-Identifier: BSD-3-Clause
 * Registrations kept and under way; URIs of our own. */
#include "tests/unit/pcscf/pcscf_fix.h"

#include <malloc.h>

#include "pcscf/pcscf.h"

#define HOME "ims.mnc001.mcc001.3gppnetwork.org"

static struct sip_flow flow(const char *remote, enum transport t, uint64_t conn)
{
        struct sip_flow f = {.transport = t, .conn_id = conn};

        assert_int_equal(addr_parse(span_of(remote), 5060, &f.remote), 0);
        assert_int_equal(addr_parse(SPAN("198.51.100.1"), 5060, &f.local), 0);
        return f;
}

static struct binding_info info(uint32_t id, const char *aor, const char *contact, struct sip_flow f)
{
        return (struct binding_info){
                .id = id,
                .aor = span_of(aor),
                .contact = span_of(contact),
                .instance = SPAN("<urn:gsma:imei:90420156-025763-0>"),
                .impi = SPAN("001010000000001@" HOME),
                .service_route = SPAN("<sip:orig@scscf." HOME ":6060;lr>"),
                .charging = SPAN("ccf=ccf1." HOME ";ccf=ccf2." HOME),
                .impus = SPAN("sip:001010000000001@" HOME "\0sip:+15550001@" HOME "\0tel:+15550001\0"),
                .flow = f,
                .expires_s = 3600,
        };
}

struct fix {
        struct loop *loop;
        struct regstore *store;
        struct pending_table *pending;
};

static int get_as(struct pending_table *t, struct span call_id, struct span identity,
                  const struct addr *source, bool known, struct pending **out)
{
        const struct pending_who who = {call_id, identity, source, known};

        return pending_get(t, &who, out);
}

static int get(struct pending_table *t, struct span call_id, struct span identity, const struct addr *source,
               struct pending **out)
{
        return get_as(t, call_id, identity, source, false, out);
}

static int setup(void **state)
{
        const struct pending_limits limits = {
                .max = 4, .max_per_source = 2, .max_asked_per_source = 3, .await_ms = 60000};
        struct fix *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(loop_new(&f->loop), 0);
        assert_int_equal(regstore_new(f->loop, &f->store), 0);
        assert_int_equal(pending_table_new(f->loop, &limits, &f->pending), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fix *f = *state;

        regstore_free(f->store);
        pending_table_free(f->pending);
        loop_free(f->loop);
        free(f);
        return 0;
}

static void kept_and_found(void **state)
{
        struct fix *f = *state;
        struct sip_flow ue = flow("192.0.2.10:5060", TRANSPORT_UDP, 0),
                        other = flow("192.0.2.10:5061", TRANSPORT_UDP, 0);
        struct sip_flow tcp = flow("192.0.2.10:5060", TRANSPORT_TCP, 7);
        struct binding_info i = info(5, "sip:alice@" HOME, "sip:alice@192.0.2.10", ue);
        struct span impu = SPAN_NULL;
        struct binding *b;

        assert_int_equal(regstore_put(f->store, &i), 0);
        b = regstore_by_id(f->store, 5);
        assert_non_null(b);
        assert_true(span_eq(binding_aor(b), i.aor) && span_eq(binding_contact(b), i.contact));
        assert_true(span_eq(binding_impi(b), i.impi) && span_eq(binding_instance(b), i.instance));
        assert_true(span_eq(binding_service_route(b), i.service_route) &&
                    span_eq(binding_charging(b), i.charging));
        assert_true(binding_next_impu(b, &impu));
        expect_span(impu, "sip:001010000000001@" HOME);
        assert_true(binding_next_impu(b, &impu) && binding_next_impu(b, &impu));
        expect_span(impu, "tel:+15550001");
        assert_false(binding_next_impu(b, &impu));
        assert_ptr_equal(regstore_flow(f->store, &ue), b->where);
        assert_null(regstore_flow(f->store, &other)); /* same address, other port */
        assert_null(regstore_flow(f->store, &tcp));
        assert_ptr_equal(regstore_by_contact(f->store, i.aor, i.contact), b);
        assert_null(regstore_by_contact(f->store, SPAN("sip:bob@" HOME), i.contact));
        regstore_remove(b);
        assert_null(regstore_flow(f->store, &ue));
        assert_int_equal(regstore_count(f->store), 0);
        assert_null(regstore_by_id(f->store, 5));
}

/* A refresh replaces; it may come over another flow. Another connection from the same port is another UE. */
static void refresh_replaces(void **state)
{
        struct fix *f = *state;
        struct sip_flow first = flow("192.0.2.10:40000", TRANSPORT_TCP, 1),
                        second = flow("192.0.2.10:40000", TRANSPORT_TCP, 2);
        struct binding_info i = info(5, "sip:alice@" HOME, "sip:alice@192.0.2.10", first);

        assert_int_equal(regstore_put(f->store, &i), 0);
        i.flow = second;
        i.service_route = SPAN("<sip:new>");
        assert_int_equal(regstore_put(f->store, &i), 0);
        assert_int_equal(regstore_count(f->store), 1);
        assert_null(regstore_flow(f->store, &first));
        assert_non_null(regstore_flow(f->store, &second));
        expect_span(binding_service_route(regstore_by_id(f->store, 5)), "<sip:new>");
}

/* The only UE of an address is found by it; its connection may be replaced by another one. */
static void alone_at_an_address(void **state)
{
        struct fix *f = *state;
        struct sip_flow first = flow("192.0.2.10:40000", TRANSPORT_TCP, 1),
                        second = flow("192.0.2.10:40001", TRANSPORT_TCP, 2),
                        other = flow("192.0.2.10:40002", TRANSPORT_TCP, 3);
        struct binding_info i = info(5, "sip:alice@" HOME, "sip:alice@192.0.2.10:5070", first);
        struct ue_flow *at;
        struct addr contact;

        assert_null(regstore_only_at(f->store, &first.remote));
        assert_int_equal(regstore_put(f->store, &i), 0);
        at = regstore_only_at(f->store, &second.remote);
        assert_non_null(at);
        assert_int_equal(regstore_move(f->store, at, &second), 0);
        assert_null(regstore_flow(f->store, &first));
        assert_ptr_equal(regstore_flow(f->store, &second), at);
        assert_true(binding_contact_addr(regstore_by_id(f->store, 5), &contact));
        assert_int_equal(addr_port(&contact), 5070);
        i = info(6, "sip:bob@" HOME, "sip:bob@192.0.2.11", other); /* behind a translator */
        assert_int_equal(regstore_put(f->store, &i), 0);
        assert_false(binding_contact_addr(regstore_by_id(f->store, 6), &contact));
        assert_null(regstore_only_at(f->store, &first.remote));
        regstore_remove(regstore_by_id(f->store, 6));
        assert_ptr_equal(regstore_only_at(f->store, &first.remote), at);
        regstore_remove(regstore_by_id(f->store, 5));
        assert_null(regstore_only_at(f->store, &first.remote));
}

static void several_on_one_flow(void **state)
{
        struct fix *f = *state;
        struct sip_flow ue = flow("192.0.2.10:5060", TRANSPORT_UDP, 0);
        char aor[100], contact[100];
        struct ue_flow *where;
        size_t n = 0;

        for (uint32_t k = 1; k <= 1000; k++) {
                struct binding_info i = info(k, aor, contact, ue);

                snprintf(aor, sizeof(aor), "sip:u%u@" HOME, k);
                snprintf(contact, sizeof(contact), "sip:u%u@192.0.2.10", k);
                i = info(k, aor, contact, ue);
                assert_int_equal(regstore_put(f->store, &i), 0);
        }
        where = regstore_flow(f->store, &ue);
        list_for_each(pos, &where->bindings) n++;
        assert_int_equal(n, 1000);
        assert_int_equal(container_of(where->bindings.prev, struct binding, in_flow)->id, 1000);
        for (uint32_t k = 1; k <= 1000; k++)
                regstore_remove(regstore_by_id(f->store, k));
        assert_null(regstore_flow(f->store, &ue));
}

static void expires(void **state)
{
        struct fix *f = *state;
        struct binding_info i = info(9, "sip:a@h", "sip:a@192.0.2.1", flow("192.0.2.1", TRANSPORT_UDP, 0));

        i.expires_s = 1;
        assert_int_equal(regstore_put(f->store, &i), 0);
        loop_run(f->loop); /* ends when no timer is left */
        assert_int_equal(regstore_count(f->store), 0);
}

/* Counted: blocks as the allocator gives them and the share of the tables and of the timer heap. */
static size_t octets_of(const struct binding *b)
{
        return malloc_usable_size((void *)(uintptr_t)b) + malloc_usable_size(b->where) +
               malloc_usable_size(b->where->ip) /* each UE at an address of its own */
               + 3 * sizeof(size_t)             /* of the allocator */
               + 4 * 2 * sizeof(void *) + 2 * sizeof(void *);
}

/* The house's aim is 1 kB per registered user, with all that other tables add. Texts that say the same, as
 * those of most users do, stand there once. */
static void small_enough(void **state)
{
        struct fix *f = *state;
        struct binding_info i = info(5, "sip:001010000000001@" HOME, "sip:001010000000001@192.0.2.10:5060",
                                     flow("192.0.2.10", TRANSPORT_UDP, 0)),
                            other = i;
        size_t usual, all;

        assert_int_equal(regstore_put(f->store, &i), 0);
        usual = octets_of(regstore_by_id(f->store, 5));
        other.id = 6;
        other.aor = SPAN("sip:another.identity.of.hers@" HOME);
        other.impi = SPAN("001010000000001@private." HOME);
        assert_int_equal(regstore_put(f->store, &other), 0);
        all = octets_of(regstore_by_id(f->store, 6));
        print_message("# %zu octets per registered user, %zu when all texts differ\n", usual, all);
        assert_true(usual <= 800);
        assert_true(all <= 1024);
}

static void expect_texts(const struct binding *b, const struct binding_info *i)
{
        struct span one = SPAN_NULL, want = i->impus;

        assert_true(span_eq(binding_aor(b), i->aor));
        assert_true(span_eq(binding_contact(b), i->contact));
        assert_true(span_eq(binding_instance(b), i->instance));
        assert_true(span_eq(binding_impi(b), i->impi));
        assert_true(span_eq(binding_service_route(b), i->service_route));
        assert_true(span_eq(binding_charging(b), i->charging));
        while (binding_next_impu(b, &one)) {
                assert_true(span_eq(one, span_of(want.p)));
                want = span_sub(want, one.n + 1, want.n);
        }
        assert_int_equal(want.n, 0);
}

/* Whatever texts are the same or part of one another, each is told as it was given. */
static void texts(void **state)
{
        struct fix *f = *state;
        static const struct span aors[] = {SPAN("sip:u@h"), SPAN("sip:u@hh"), SPAN("tel:+1")};
        static const struct span impis[] = {SPAN("u@h"), SPAN("sip:u@h"), SPAN(""), SPAN("x@h"),
                                            SPAN("sip:sip:u@h")};
        static const struct span lists[] = {SPAN("sip:u@h\0"), SPAN("sip:u@h\0tel:+1\0"),
                                            SPAN("tel:+1\0sip:u@h\0"), SPAN("sip:u@hh\0"), SPAN("")};
        uint32_t id = 100;

        for (size_t a = 0; a < sizeof(aors) / sizeof(aors[0]); a++)
                for (size_t p = 0; p < sizeof(impis) / sizeof(impis[0]); p++)
                        for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
                                struct binding_info i = info(++id, "", "sip:u@192.0.2.10",
                                                             flow("192.0.2.10", TRANSPORT_UDP, 0));

                                i.aor = aors[a];
                                i.impi = impis[p];
                                i.impus = lists[l];
                                assert_int_equal(regstore_put(f->store, &i), 0);
                                expect_texts(regstore_by_id(f->store, id), &i);
                        }
}

static void too_long(void **state)
{
        struct fix *f = *state;
        struct binding_info i = info(5, "sip:a@h", "sip:a@b", flow("192.0.2.10", TRANSPORT_UDP, 0));
        static char big[70000];

        assert_int_equal(regstore_put(f->store, &i), 0);
        memset(big, 'x', sizeof(big));
        i.service_route = span_make(big, sizeof(big));
        assert_int_equal(regstore_put(f->store, &i), -IMS_ETOOBIG);
        assert_int_equal(regstore_count(f->store), 1);
}

static void under_way(void **state)
{
        struct fix *f = *state;
        struct addr a, b;
        struct pending *p = NULL, *again = NULL, *other;
        struct reg_keys keys = {.have = true, .ik = {{1}}, .ck = {{2}}};

        assert_int_equal(addr_parse(SPAN("192.0.2.1:1"), 0, &a), 0);
        assert_int_equal(addr_parse(SPAN("192.0.2.2:1"), 0, &b), 0);
        assert_int_equal(get(f->pending, SPAN("c1"), SPAN("u1"), &a, &p), 0);
        assert_int_equal(p->id, 0);
        p->id = 77;
        assert_int_equal(get(f->pending, SPAN("c1"), SPAN("u1"), &a, &again), 0);
        assert_ptr_equal(p, again);
        assert_null(pending_find(f->pending, SPAN("c1u"), SPAN("1"))); /* the parts are told apart */
        pending_challenged(p, &keys);
        assert_true(pending_find(f->pending, SPAN("c1"), SPAN("u1"))->keys.have);
        addr_set_port(&a, 2); /* another port is the same source */
        assert_int_equal(get(f->pending, SPAN("c2"), SPAN("u1"), &a, &other), 0);
        assert_int_equal(get(f->pending, SPAN("c3"), SPAN("u1"), &a, &other), -IMS_EALREADY);
        assert_int_equal(get(f->pending, SPAN("c3"), SPAN("u1"), &b, &other), 0);
        pending_remove(p);
        assert_int_equal(get(f->pending, SPAN("c4"), SPAN("u1"), &a, &other), 0);
        assert_int_equal(get(f->pending, SPAN("c5"), SPAN("u1"), &b, &other), 0);
        assert_int_equal(pending_count(f->pending), 4);
        assert_int_equal(addr_parse(SPAN("192.0.2.3:1"), 0, &b), 0);
        assert_int_equal(get(f->pending, SPAN("c6"), SPAN("u1"), &b, &other), -IMS_ELIMIT); /* in all */
        /* who authenticated before has a place all the same, as long as there are some */
        assert_int_equal(get_as(f->pending, SPAN("c6"), SPAN("u1"), &b, true, &other), 0);
        assert_int_equal(get_as(f->pending, SPAN("c7"), SPAN("u1"), &b, true, &other), -IMS_ELIMIT);
        pending_remove(NULL);
        proves("PC-025");
}

/* What the home network works on for one address is bounded, whatever Call-IDs it uses. */
static void asked(void **state)
{
        struct fix *f = *state;
        struct addr a, b;
        struct pending *p = NULL, *q = NULL;

        assert_int_equal(addr_parse(SPAN("192.0.2.1:1"), 0, &a), 0);
        assert_int_equal(addr_parse(SPAN("192.0.2.2:1"), 0, &b), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(get(f->pending, SPAN("c1"), SPAN("u1"), &a, &p), 0);
        assert_int_equal(get(f->pending, SPAN("c1"), SPAN("u1"), &a, &q), -IMS_EALREADY);
        assert_int_equal(get(f->pending, SPAN("c2"), SPAN("u1"), &a, &q), -IMS_EALREADY);
        assert_int_equal(get(f->pending, SPAN("c2"), SPAN("u1"), &b, &q), 0);
        pending_answered(p);
        assert_int_equal(get(f->pending, SPAN("c3"), SPAN("u1"), &a, &q), 0);
        assert_int_equal(get(f->pending, SPAN("c3"), SPAN("u1"), &a, &q), -IMS_EALREADY);
        assert_int_equal(get_as(f->pending, SPAN("c3"), SPAN("u1"), &a, true, &q), 0); /* who is known may */
        pending_answered(q);
        pending_remove(p); /* with what it still asks */
        assert_int_equal(get(f->pending, SPAN("c3"), SPAN("u1"), &a, &q), 0);
        pending_answered(NULL);
}

static void on_tick(struct tmr *t, void *arg)
{
        (void)t, (void)arg;
}

static void pass(struct fix *f, uint64_t ms)
{
        uint64_t until = loop_now_ms(f->loop) + ms;
        struct tmr t = {0};

        while (loop_now_ms(f->loop) < until) {
                assert_int_equal(tmr_start(f->loop, &t, 1, on_tick, NULL), 0);
                loop_once(f->loop);
        }
}

/* How many more the table takes for one address; all of one Call-ID. */
static uint32_t room(struct pending_table *t, const struct addr *from, struct pending **out)
{
        uint32_t n = 0;

        while (get(t, SPAN("c"), SPAN("u"), from, out) == 0)
                n++;
        return n;
}

/* An address has as many REGISTERs in the home network as that answers soon. */
static void asked_by_speed(void **state)
{
        const struct pending_limits limits = {
                .max = 10, .max_per_source = 10, .max_asked_per_source = 200, .await_ms = 60000};
        struct fix *f = *state;
        struct pending_table *t;
        struct pending *p = NULL;
        struct addr a;

        assert_int_equal(pending_table_new(f->loop, &limits, &t), 0);
        assert_int_equal(addr_parse(SPAN("192.0.2.1:1"), 0, &a), 0);
        assert_int_equal(room(t, &a, &p), 128);
        for (int i = 0; i < 128; i++)
                pending_answered(p);
        assert_int_equal(room(t, &a, &p), 200); /* no more than configured */
        pass(f, 550);
        for (int i = 0; i < 200; i++)
                pending_answered(p); /* late, all of them: cut once */
        assert_int_equal(room(t, &a, &p), 100);
        for (int i = 0; i < 2; i++) {
                pass(f, 550);
                while (p->n_asked)
                        pending_answered(p);
                (void)room(t, &a, &p);
        }
        assert_int_equal(p->n_asked, 64); /* never fewer */
        pending_table_free(t);
}

/* --- own URIs -------------------------------------------------------------------------------------- */

static void own_routes(void **state)
{
        struct fix *f = *state;
        struct sip_stack_handlers none = {0};
        struct sip_stack_conf sc = {.sent_by = "pcscf.example.org"};
        struct pcscf p = {.loop = f->loop};
        struct addr local;
        struct buf path = BUF_INIT, forged = BUF_INIT;
        struct own_route r;

        assert_int_equal(sip_stack_new(f->loop, NULL, &sc, &none, NULL, &p.stack), 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &local), 0);
        assert_int_equal(sip_stack_listen(p.stack, TRANSPORT_UDP, &local, &local), 0);
        snprintf(p.core_host, sizeof(p.core_host), "pcscf.example.org:%u", addr_port(&local));
        own_path(&p, 0xabcd1234, false, &path);
        r = own_route_read(&p, buf_as_span(&path), SPAN("any"));
        assert_int_equal(r.kind, OWN_PATH);
        assert_int_equal(r.id, 0xabcd1234);
        for (size_t i = 5; i < 31; i++) { /* every octet of the user part counts */
                buf_reset(&forged);
                buf_span(&forged, buf_as_span(&path));
                forged.p[i] = forged.p[i] == '0' ? '1' : '0';
                assert_int_equal(own_route_read(&p, buf_as_span(&forged), SPAN("any")).kind,
                                 i == 5 ? OWN_PLAIN : OWN_STALE);
        }
        buf_reset(&forged);
        buf_printf(&forged, "<sip:pcscf@%s;lr>", p.core_host);
        assert_int_equal(own_route_read(&p, buf_as_span(&forged), SPAN("any")).kind, OWN_PLAIN);
        assert_int_equal(own_route_read(&p, SPAN("<sip:x@other.example.org;lr>"), SPAN("any")).kind,
                         OWN_NONE);
        assert_int_equal(own_route_read(&p, SPAN("rubbish"), SPAN("any")).kind, OWN_NONE);
        buf_free(&path);
        buf_free(&forged);
        sip_stack_free(p.stack);
}

/* What leads here, and what it tells: the first of our values that names a binding, up to another one's. */
static void top_of_route(void **state)
{
        static const char head[] =
                "INVITE sip:b@home SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                "Max-Forwards: 70\r\nFrom: <sip:a@home>;tag=1\r\nTo: <sip:b@home>\r\n"
                "Call-ID: call-1\r\nCSeq: 1 INVITE\r\n";
        struct fix *f = *state;
        struct sip_stack_handlers none = {0};
        struct sip_stack_conf sc = {.sent_by = "pcscf.example.org"};
        struct pcscf p = {.loop = f->loop};
        struct buf managed = BUF_INIT, plain = BUF_INIT, text = BUF_INIT;
        struct addr local;
        struct own_route r;
        struct sip_msg *m, *rest;
        struct sip_edit e;
        struct span next;

        assert_int_equal(sip_stack_new(f->loop, NULL, &sc, &none, NULL, &p.stack), 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &local), 0);
        assert_int_equal(sip_stack_listen(p.stack, TRANSPORT_UDP, &local, &local), 0);
        snprintf(p.core_host, sizeof(p.core_host), "127.0.0.1:%u", addr_port(&local));
        own_path(&p, 7, true, &managed);
        own_path(&p, 8, false, &plain);

        buf_printf(&text, "%s\r\n", head);
        m = msg_of(buf_as_span(&text));
        assert_int_equal(own_route_of(&p, m).kind, OWN_NONE);
        sip_msg_unref(m);

        buf_reset(&text);
        buf_printf(&text,
                   "%sRoute: <sip:x@%s;lr>, " SPAN_FMT "\r\nRoute: " SPAN_FMT ", <sip:z@other.example.org;lr>"
                   "\r\n\r\n",
                   head, p.core_host, SPAN_ARG(buf_as_span(&managed)), SPAN_ARG(buf_as_span(&plain)));
        m = msg_of(buf_as_span(&text));
        r = own_route_of(&p, m);
        assert_int_equal(r.kind, OWN_PATH);
        assert_int_equal(r.id, 7);
        assert_true(r.ob);
        sip_edit_init(&e, m);
        r = own_route_pop(&p, &e, &next);
        assert_int_equal(r.id, 7);
        assert_true(span_eq(next, buf_as_span(&plain))); /* of the other UE */
        rest = msg_edited(&e);
        sip_msg_unref(m);
        m = rest;
        r = own_route_of(&p, m);
        assert_int_equal(r.id, 8);
        assert_false(r.ob);
        sip_edit_init(&e, m);
        (void)own_route_pop(&p, &e, &next);
        assert_true(span_eq(next, SPAN("<sip:z@other.example.org;lr>")));
        sip_edit_free(&e);
        sip_msg_unref(m);
        buf_free(&managed);
        buf_free(&plain);
        buf_free(&text);
        sip_stack_free(p.stack);
}

static void record_route(void **state)
{
        static const char head[] =
                "INVITE sip:b@home SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                "Max-Forwards: 70\r\nFrom: <sip:a@home>;tag=1\r\nTo: <sip:b@home>\r\n"
                "Call-ID: call-1\r\nCSeq: 1 INVITE\r\n\r\n";
        struct fix *f = *state;
        struct sip_stack_handlers none = {0};
        struct sip_stack_conf sc = {.sent_by = "pcscf.example.org"};
        struct pcscf p = {.loop = f->loop};
        struct sip_flow ue = flow("192.0.2.1", TRANSPORT_TCP, 3);
        struct sip_msg *in = msg_of(SPAN(head)), *out;
        struct sip_value_iter it = {0};
        struct sip_edit e;
        struct span v;

        assert_int_equal(sip_stack_new(f->loop, NULL, &sc, &none, NULL, &p.stack), 0);
        snprintf(p.core_host, sizeof(p.core_host), "pcscf.example.org");
        assert_int_equal(addr_parse(SPAN("127.0.0.1:5070"), 0, &ue.local), 0);
        sip_edit_init(&e, in);
        own_record_route(&p, &e, OWN_DIALOG, 7, &ue, true);
        out = msg_edited(&e);
        assert_true(sip_msg_next_value(out, SIP_HDR_RECORD_ROUTE, &it, &v));
        assert_int_equal(own_route_read(&p, v, SPAN("call-1")).kind, OWN_DIALOG);
        assert_int_equal(own_route_read(&p, v, SPAN("call-1")).id, 7);
        assert_int_equal(own_route_read(&p, v, SPAN("call-2")).kind, OWN_STALE); /* another call */
        assert_true(sip_msg_next_value(out, SIP_HDR_RECORD_ROUTE, &it, &v));
        assert_true(span_find(v, SPAN("@127.0.0.1:5070;transport=tcp;lr>")) > 0);
        assert_false(sip_msg_next_value(out, SIP_HDR_RECORD_ROUTE, &it, &v));
        sip_msg_unref(in);
        sip_msg_unref(out);
        sip_stack_free(p.stack);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(kept_and_found, setup, teardown),
                cmocka_unit_test_setup_teardown(refresh_replaces, setup, teardown),
                cmocka_unit_test_setup_teardown(alone_at_an_address, setup, teardown),
                cmocka_unit_test_setup_teardown(several_on_one_flow, setup, teardown),
                cmocka_unit_test_setup_teardown(expires, setup, teardown),
                cmocka_unit_test_setup_teardown(small_enough, setup, teardown),
                cmocka_unit_test_setup_teardown(texts, setup, teardown),
                cmocka_unit_test_setup_teardown(too_long, setup, teardown),
                cmocka_unit_test_setup_teardown(under_way, setup, teardown),
                cmocka_unit_test_setup_teardown(asked, setup, teardown),
                cmocka_unit_test_setup_teardown(asked_by_speed, setup, teardown),
                cmocka_unit_test_setup_teardown(own_routes, setup, teardown),
                cmocka_unit_test_setup_teardown(top_of_route, setup, teardown),
                cmocka_unit_test_setup_teardown(record_route, setup, teardown),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
