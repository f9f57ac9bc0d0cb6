/* SPDX-License-Identifier: BSD-3-Clause
 * A running HSS and an S-CSCF of a test beside it. The HSS is the real program; it connects to the test,
 * which listens on port 0, so that no port is fixed anywhere. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <cmocka.h>

#include "common/auth/aka.h"
#include "common/base/buf.h"
#include "common/diameter/cx.h"
#include "tests/unit/proves.h"

#define DOMAIN "ims.mnc001.mcc001.3gppnetwork.org"
#define SCSCF  "sip:scscf1." DOMAIN
#define K      "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC    "cd63cb71954a9f4e48a5994e37a02baf"

struct lab {
        char dir[64], conf[128];
        struct loop *loop;
        struct dia_node *node; /* the test's side: scscf1.DOMAIN */
        bool up;
        pid_t hss;
        int log_fd;
        struct buf received; /* the last message that came from the HSS */
        struct buf log;      /* what the HSS wrote to stderr, after lab_stop */
        unsigned kill_after; /* not 0: SIGKILL for the HSS at this many MAAs from now, at once */
};

/* extra: more lines of the HSS's configuration. The HSS is not started yet. */
void lab_open(struct lab *lab, const char *extra);
void lab_close(struct lab *lab);

/* Starts the HSS and waits until it is connected. */
void lab_start(struct lab *lab);

/* Ends the HSS by the signal and waits for it; its exit code, or -1 when a signal ended it. */
int lab_stop(struct lab *lab, int signal);

/* Waits for the HSS to end of itself; the signal that ended it, or 0. */
int lab_wait_end(struct lab *lab);

/* `hss -c CONF ARGS` (split at spaces); the exit code. out: stdout and stderr, may be NULL. */
int lab_hss(struct lab *lab, const char *args, struct buf *out);

/* Turns of the loop until *flag, or the test fails. */
void lab_wait(struct lab *lab, const bool *flag);

/* What a MAA brought. */
struct lab_maa {
        struct lab *lab;
        int err;
        struct dia_result result;
        size_t n;
        struct {
                uint8_t rand[16], autn[16], ck[16], ik[16], xres[16];
                size_t xres_n;
        } av[CX_AUTH_ITEMS_MAX];
        bool done;
};

/* Sends; m->done is set when the answer or its failure is there. False when it cannot be sent. */
bool lab_mar(struct lab *lab, const char *impi, const char *impu, uint32_t n, struct lab_maa *m);

/* SQN of a vector, whose MAC and keys are checked against K and OPC. */
uint64_t lab_sqn(const struct lab_maa *m, size_t i);

struct lab_saa {
        int err;
        struct dia_result result;
        char user_data[8192], impi[256], failed_avp[64];
        bool done;
};
void lab_sar(struct lab *lab, const char *impi, const char *impu, uint32_t type, struct lab_saa *s);

struct lab_uaa {
        int err;
        struct dia_result result;
        char server_name[256];
        size_t mandatory;
        bool done;
};
void lab_uar(struct lab *lab, const char *impi, const char *impu, struct lab_uaa *u);
void lab_lir(struct lab *lab, const char *impu, struct lab_uaa *u);

#define assert_result(got, want)                                                                             \
        do {                                                                                                 \
                struct dia_result got_ = (got), want_ = (want);                                              \
                assert_int_equal(got_.vendor, want_.vendor);                                                 \
                assert_int_equal(got_.code, want_.code);                                                     \
        } while (0)
