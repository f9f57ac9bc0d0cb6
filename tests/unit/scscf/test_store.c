/* SPDX-License-Identifier: BSD-3-Clause
 * What a registered user costs, and what users share. */
#include <malloc.h>

#include "reg_fake.h"

#define USERS 2000

static void register_user(struct world *w, unsigned i)
{
        char impi[64], impu[80], call_id[64], xml[2048], contact[200], tel[32];
        struct answer_text a;

        snprintf(impi, sizeof(impi), "00101%010u@" DOMAIN, i);
        snprintf(impu, sizeof(impu), "sip:00101%010u@" DOMAIN, i);
        snprintf(tel, sizeof(tel), "tel:+1555%07u", i);
        snprintf(call_id, sizeof(call_id), "a84b4c76e66710b4@192.0.2.%u", i);
        snprintf(contact, sizeof(contact),
                 "Contact: "
                 "<sip:00101%010u@192.0.2.10:31061>;+sip.instance=\"<urn:gsma:imei:90420156-%06u-0>\"\r\n",
                 i, i);
        snprintf(xml, sizeof(xml),
                 "<IMSSubscription><PrivateID>%s</PrivateID><ServiceProfile><PublicIdentity><Identity>%s</"
                 "Identity>"
                 "</PublicIdentity><PublicIdentity><Identity>sip:+1555%07u@" DOMAIN
                 "</Identity></PublicIdentity>"
                 "<PublicIdentity><Identity>%s</Identity></PublicIdentity>" PROFILE_IFC
                 "</ServiceProfile></IMSSubscription>",
                 impi, impu, i, tel);
        make_answer(1, impi, &a);
        w->n_replies = w->n_verdicts = w->n_cx = 0;
        world_register(w, &(struct reg_text){.impi = impi,
                                             .impu = impu,
                                             .call_id = call_id,
                                             .contact = contact,
                                             .integrity = "no"});
        give_vectors(w, 1, 1);
        world_register(w, &(struct reg_text){.impi = impi,
                                             .impu = impu,
                                             .call_id = call_id,
                                             .contact = contact,
                                             .integrity = "yes",
                                             .cseq = 2,
                                             .nonce = a.nonce,
                                             .response = a.response,
                                             .more = QOP});
        give_profile(w, xml);
        assert_int_equal(last_reply(w)->status, 200);
        for (size_t k = 0; k < w->n_made; k++) {
                sip_msg_unref(w->made[k]->msg);
                free(w->made[k]);
        }
        w->n_made = 0;
}

static int no_timer(void *arg, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *fn_arg)
{
        (void)arg, (void)t, (void)delay_ms, (void)fn, (void)fn_arg;
        return 0;
}

static void memory_of_a_registered_user(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        size_t before, after;

        (void)state;
        world_init(w);
        w->reg.port.timer_start = no_timer;
        register_user(w, USERS);
        before = mallinfo2().uordblks;
        for (unsigned i = 0; i < USERS; i++)
                register_user(w, i);
        after = mallinfo2().uordblks;
        assert_int_equal(w->reg.store.users.n, USERS + 1);
        assert_int_equal(w->reg.store.impus.n, 3 * (USERS + 1));
        print_message("user %zu, set %zu, impu %zu, contact %zu octets without text; measured %zu octets per "
                      "user\n",
                      sizeof(struct user), sizeof(struct reg_set), sizeof(struct impu),
                      sizeof(struct contact), (after - before) / USERS);
        if (after > before) /* another allocator under a sanitizer counts nothing */
                assert_true((after - before) / USERS < 2048);
        /* equal services are kept once: one text for everybody, and the charging functions, and the HSS */
        assert_int_equal(w->reg.store.shared.texts.n, 3);
        w->n_replies = w->n_verdicts = w->n_cx = 0;
        world_clear(w);
        free(w);
}

static void services_are_shared_and_parsed(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        const struct impu *i;

        (void)state;
        world_init(w);
        world_attach(w, 1, 1);
        i = impu_find(&w->reg.store, SPAN(ALICE));
        assert_non_null(i->service);
        assert_ptr_equal(i->service, impu_find(&w->reg.store, SPAN(TEL))->service);
        assert_int_equal(i->service->profile->services[0].n_ifcs, 1);
        assert_string_equal(i->service->profile->services[0].ifcs[0].server_name, "sip:as." DOMAIN);
        world_clear(w);
        free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(memory_of_a_registered_user),
                cmocka_unit_test(services_are_shared_and_parsed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
