/* SPDX-License-Identifier: BSD-3-Clause
 * The inside of sip_load: phones that register at a rate that does not wait for answers (open loop). */
#pragma once

#include "common/auth/aka.h"
#include "common/base/list.h"
#include "common/ipsec/sec_agree.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/procs.h"

#define LOAD_DOMAIN          "ims.mnc001.mcc001.3gppnetwork.org"
#define LOAD_MESSAGE_MAX     2048
#define LOAD_SOURCES_MAX     65536
#define LOAD_CONNECTIONS_MAX 16384
#define LOAD_LOCAL_SIZE      32
#define LOAD_PHASES_MAX      16
#define LOAD_STAGES          8 /* of retransmission: T1, 2*T1, ... up to T2 */

/* UDP sockets of all phones together; those of protected ports at the ports that follow conf->ports. */
enum load_socket { LOAD_CLEAR, LOAD_US, LOAD_UC0, LOAD_UC1, LOAD_SOCKETS };

/* How a message travels: from which socket, to which port of the P-CSCF (0: that of conf->to). */
struct load_way {
        uint8_t socket;
        uint16_t to_port;
};

enum load_op { OP_REGISTER, OP_REFRESH, OP_DEREGISTER, OPS };

/* A phase is one of the operations for every subscriber that fits, or a mixture of them for a time. */
enum load_phase_kind { PHASE_REGISTER, PHASE_REFRESH, PHASE_DEREGISTER, PHASE_CHURN, PHASE_KINDS };

struct load_conf {
        const char *to, *from; /* ADDRESS:PORT of the P-CSCF; first source address */
        const char *csv;       /* subscribers of a file instead of the rule; NULL: rule */
        uint32_t first, n;     /* subscribers first..first+n-1 of the rule */
        uint32_t all, step;    /* taken in scattered order of so many (lib/scatter.h); 0: in a row */
        uint64_t seed;         /* of the keys of the rule */
        double rate;           /* operations started per second */
        bool poisson;          /* gaps of an exponential distribution instead of equal ones */
        uint64_t duration_ms;  /* of each phase; 0: until every subscriber had its turn */
        uint64_t warmup_ms;    /* start of each phase that counts neither for latency nor for CPU */
        uint32_t n_sources;    /* addresses, one after the other */
        uint32_t t1_ms, give_up_ms, expires_s, max_pending;
        bool tcp, json, progress, marks;
        const char *tls_ca; /* TLS with this root, each phone on a connection of its own (tcp is set too);
                               NULL: none */
        const char *before, *after; /* commands of the shell, before the first message and after the last */
        bool digest;                /* SIP Digest with a password (K in hex) instead of AKA */
        bool ipsec;                 /* phones ask for it */
        struct sec_suite suite;
        uint16_t ports;   /* the first of LOAD_SOCKETS, with ipsec */
        uint32_t at_once; /* closed loop: so many operations under way; 0: rate */
        enum load_phase_kind phases[LOAD_PHASES_MAX];
        size_t n_phases;
};

/* --- subscribers ----------------------------------------------------------------------------------- */

struct load_key {
        char imsi[16];
        uint8_t k[16], opc[16];
};

struct load_keys; /* of a CSV file */

/* Reads columns imsi, k and opc. On failure a message was printed. */
int load_keys_read(const char *file, struct load_keys **out) IMS_CHECK;
uint32_t load_keys_n(const struct load_keys *keys);
void load_keys_free(struct load_keys *keys);

/* Subscriber i of the file, or of the rule when keys is NULL: IMSI 0010101 and eight digits; K and OPc from
 * the seed and i. */
void load_key_of(const struct load_conf *c, const struct load_keys *keys, uint32_t i, struct load_key *out);

/* The password of a subscriber with SIP Digest: K in hex. */
#define LOAD_PASSWORD_SIZE 33
void load_password_of(const struct load_key *key, char out[static LOAD_PASSWORD_SIZE]);

/* The rule's subscribers as a file for `hss subscriber import`: imsi, msisdn, k, opc; of SIP Digest imsi,
 * msisdn, impi, digest-ha1. */
int load_csv_write(const struct load_conf *c, const char *file) IMS_CHECK;

/* --- one phone and what it does now ---------------------------------------------------------------- */

struct load_ue {
        uint64_t sqn;     /* highest taken in this run */
        uint32_t attempt; /* 1-based; 0: does nothing now */
        uint32_t cseq;
        bool registered;
};

struct load_attempt {
        struct list retransmit, give_up; /* both in a list while the attempt lives */
        struct list queued;              /* until sent */
        uint64_t scheduled_ns, retransmit_ns, give_up_ns;
        uint32_t ue;
        uint8_t op, stage;
        bool counted, answered_challenge;
        struct load_way way;
        uint16_t n;
        char octets[LOAD_MESSAGE_MAX];
};

struct load_op_result {
        uint64_t started, ok;
};

/* What a phase comes to. */
struct load_result {
        struct load_op_result ops[OPS];
        uint64_t started, ok, failed, retransmitted, skipped, late;
        uint64_t window_ok;         /* finished well while the window was open */
        uint64_t begin_ns, last_ns; /* first start was due; last one finished */
        uint64_t window_ns[2];      /* open, closed */
        uint64_t own_cpu_ns[2];
        struct procs procs;
        struct hist latency; /* of those that were due in the window */
        struct hist lag;     /* how late this program itself started them */
        uint32_t by_status[700];
        uint32_t timeout, too_many, mac_wrong, sqn_used, bad_challenge, challenged_again, bad_ok, keys_shown;
        uint32_t no_agreement, no_sa, wrong_way;
        uint64_t secure_ns; /* in the kernel with SAs of phones */
};

/* --- messages -------------------------------------------------------------------------------------- */

struct load_answer {
        unsigned status;
        uint32_t ue, cseq;
        struct span nonce;
};

struct load; /* the engine */

struct load_message {
        const struct load_conf *conf;
        const char *local;   /* ADDRESS:PORT for Via: where the answer goes */
        const char *contact; /* ADDRESS:PORT where requests go */
        struct load_key key;
        uint32_t run, ue, cseq, expires_s;
        struct span nonce; /* base64 text; empty: no response yet */
        const char *response;
        struct span secure; /* header fields of the security agreement, or empty */
};

/* Writes a REGISTER; its length. */
size_t load_message_write(const struct load_message *m, char out[static LOAD_MESSAGE_MAX]);

/* False for what is no answer to a message of this run. */
bool load_answer_read(struct span octets, uint32_t run, struct load_answer *out);

/* The value of the header field's parameter `name="value"` or name=value, anywhere in the message. */
struct span load_parameter(struct span octets, const char *name_and_quote);

/* --- sockets --------------------------------------------------------------------------------------- */

struct load_net;
typedef void load_receive_fn(struct span octets, enum load_socket at, void *arg);

int load_net_new(const struct load_conf *c, load_receive_fn *fn, void *arg, struct load_net **out) IMS_CHECK;
void load_net_free(struct load_net *net);
/* ADDRESS:PORT of a source at one of the sockets. */
void load_net_local(const struct load_net *net, uint32_t source, enum load_socket at,
                    char out[static LOAD_LOCAL_SIZE]);

/* Queues octets, which stay where they are until load_net_flush. */
void load_net_send(struct load_net *net, uint32_t source, struct load_way way, const char *octets, size_t n);
void load_net_flush(struct load_net *net);

/* Waits until something is there or the time has come, and hands it to the function. */
void load_net_wait(struct load_net *net, uint64_t until_ns);

/* --- engine ---------------------------------------------------------------------------------------- */

int load_new(const struct load_conf *c, const struct procs *procs, struct load **out) IMS_CHECK;
void load_free(struct load *l);

/* "register", "refresh", "deregister", "churn" */
const char *load_phase_name(enum load_phase_kind kind);

/* Runs a phase to its end; the result is the caller's to free(). NULL when out of memory. */
struct load_result *load_run(struct load *l, enum load_phase_kind kind);

/* Ends the phase under way early: nothing new is started. */
void load_stop(struct load *l);
uint32_t load_registered(const struct load *l);
