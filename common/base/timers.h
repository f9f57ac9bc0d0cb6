/* SPDX-License-Identifier: BSD-3-Clause
 * The one table of timers, under their names in the specifications. No literal durations elsewhere. */
#pragma once

#include <stdint.h>

/*      name            default_ms  min_ms  max_ms       clause */
#define IMS_TIMER_LIST(X)                                                                                    \
        X(T1, 500, 10, 60000, "RFC 3261 17.1.1.1; TS 24.229 table 7.7.1")                                    \
        X(T2, 4000, 40, 240000, "RFC 3261 17.1.2.2; TS 24.229 table 7.7.1")                                  \
        X(T4, 5000, 50, 300000, "RFC 3261 17.1.2.2; TS 24.229 table 7.7.1")                                  \
        X(UE_T1, 2000, 10, 60000, "TS 24.229 table 7.7.1, UE and P-CSCF towards the UE")                     \
        X(UE_T2, 16000, 40, 240000, "TS 24.229 table 7.7.1, UE and P-CSCF towards the UE")                   \
        X(UE_T4, 17000, 50, 300000, "TS 24.229 table 7.7.1, UE and P-CSCF towards the UE")                   \
        X(UE_SA_SETUP, 240000, 100, 3600000,                                                                 \
          "TS 33.203 7.4.1a: lifetime of new SAs, enough to complete the registration")                      \
        X(UE_SA_MARGIN, 30000, 0, 600000,                                                                    \
          "TS 33.203 7.4.1a: SAs expire shortly after the registration (TS 24.229 5.1.1.2.2)")               \
        X(UE_PONG, 10000, 100, 60000, "RFC 5626 4.4.1: longest wait for the answer to a keep-alive")         \
        X(UE_FLOW_STREAM, 120000, 1000, 3600000, "RFC 5626 4.4.1: between keep-alives over TCP and TLS")     \
        X(UE_FLOW_DATAGRAM, 29000, 1000, 3600000, "RFC 5626 4.4.2: between keep-alives over UDP")            \
        X(UE_KEEP_ALIVE, 20000, 1000, 3600000, "RFC 3948 4: NAT keep-alive of a UE behind a NAT")            \
        X(TIMER_C, 185000, 1000, 600000, "RFC 3261 16.6 item 11")                                            \
        X(TIMER_D, 32000, 32000, 600000, "RFC 3261 17.1.1.2, shortest D over UDP")                           \
        X(TRYING, 200, 10, 200, "RFC 3261 17.2.1: 100 to an INVITE when nobody answers sooner")              \
        X(SIP_PARTIAL, 10000, 100, 120000, "longest wait for the rest of a SIP message on a connection")     \
        X(SIP_FIRST, 30000, 100, 3600000, "an accepted connection that brought no message is closed after")  \
        X(SIP_SOURCE_QUIET, 60000, 1000, 3600000, "faults of one address are told once in this time")        \
        X(SIP_REFUSALS, 1000, 100, 60000, "503s to one address are counted in it; as long it is not heard")  \
        X(SIP_RETRY_AFTER, 5000, 1000, 60000, "RFC 3261 21.5.4: Retry-After of a node at its limit")         \
        X(STORM_SWEEP, 1000, 100, 60000, "sources that have not come again, and their rates, are forgotten") \
        X(REGISTER_SOON, 500, 10, 10000,                                                                     \
          "an answer of the home network within it widens an address's share")                               \
        X(STORE_RETRY, 2, 1, 1000, "pause before a lock of the database is tried again")                     \
        X(CHECKPOINT_PAUSE, 5000, 100, 600000, "pause after a checkpoint that others kept from its end")     \
        X(REG_AWAIT_AUTH, 240000, 100, 3600000, "TS 24.229 5.4.1.2.1, reg-await-auth")                       \
        X(DIGEST_AGAIN, 60000, 1000, 3600000,                                                                \
          "a wrong password of a registered user: the HSS is asked whether it was changed at most so often") \
        X(CX_ANSWER, 1500, 50, 60000, "longest wait for a Cx answer; shorter than SCSCF_ANSWER")             \
        X(SCSCF_ANSWER, 2000, 50, 32000, "longest wait for an S-CSCF before another is chosen")              \
        X(ICSCF_ANSWER, 4500, 50, 32000, "longest wait of the P-CSCF for the answer to a REGISTER")          \
        X(SA_HANDOVER, 5000, 100, 600000,                                                                    \
          "TS 33.203 7.4.2a: so long before old SAs end the new ones are used")                              \
        X(ESP_LOOK, 1000, 10, 60000, "how often the counters of new SAs are looked at until a message came") \
        X(CONTROL, 10000, 100, 60000,                                                                        \
          "longest wait of a command for a piece of the answer of a running node")                           \
        X(SA_LINGER, 2000, 0, 60000,                                                                         \
          "SAs that leave stay so long after their last transaction, for what TCP brings")                   \
        X(DRAIN, 5000, 0, 60000, "longest wait at the end of a node for what is under way")                  \
        X(DRAIN_POLL, 50, 1, 1000, "how often a node looks whether that has ended")                          \
        X(DIA_TC, 5000, 10, 60000, "RFC 6733 12, Tc: pause before a new connection attempt")                 \
        X(DIA_TW, 30000, 100, 120000, "RFC 3539 3.4.1, Tw: watchdog")                                        \
        X(DIA_TOLD, 30000, 1000, 3600000,                                                                    \
          "a refusal of a connection before CER is told again, when it is the same, after")                  \
        X(DIA_REOPEN, 100, 0, 10000,                                                                         \
          "RFC 3539 3.4.1, pause before the first watchdog of a connection that is back")                    \
        X(DIA_CER, 5000, 50, 60000, "longest wait for CER or CEA on a new connection")                       \
        X(TCP_CONNECT, 2000, 50, 60000, "longest wait for a TCP connection")                                 \
        X(TCP_IDLE, 900000, 1000, 86400000, "an idle SIP connection is closed after")                        \
        X(TCP_FLUSH, 2000, 50, 60000, "longest wait for a closed connection to take what was queued")        \
        X(TCP_ARRIVED, 10, 1, 1000,                                                                          \
          "how often a connection is asked whether all has arrived, before its reset")                       \
        X(TCP_UNREAD, 10000, 100, 600000,                                                                    \
          "a connection whose peer takes nothing of what waits is closed after")                             \
        X(TLS_HANDSHAKE, 10000, 100, 120000, "longest wait for a TLS handshake")                             \
        X(TCP_ACCEPT_PAUSE, 100, 1, 10000, "pause of a listener that is out of file descriptors")            \
        X(DNS_ANSWER, 700, 50, 30000, "wait for a DNS server before the next one (RFC 1035 7.2)")            \
        X(DNS_KEEP, 60000, 0, 3600000, "longest time a DNS answer is kept, whatever its TTL")

enum ims_timer {
#define X(name, def, min, max, clause) IMS_TIMER_##name,
        IMS_TIMER_LIST(X)
#undef X
                IMS_TIMER_COUNT
};

struct ims_timer_row {
        const char *name;
        uint32_t default_ms, min_ms, max_ms;
        const char *clause;
};

extern const struct ims_timer_row ims_timer_rows[IMS_TIMER_COUNT];
