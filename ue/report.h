/* SPDX-License-Identifier: BSD-3-Clause
 * What a REGISTER procedure came to, in plain words, as JSON, and as a verdict. */
#pragma once

#include "common/trace/trace.h"
#include "ue/registration.h"

/* Lines for people: "registered: sip:... until ..., Service-Route ...", or why not, with a hint. */
void report_text(const struct registration *r, struct buf *out);

/* One JSON object in one line: outcome, ok, status, reason, impi, impu, contact, expires_s, service_route,
 * p_associated_uri, path, challenges, mac_failures, sqn_failures, security (suite, mode, ports and SPIs,
 * never keys) or security_note, tls (version, cipher, certificate, resumed), way, why, hint, command. */
void report_json(const struct registration *r, struct buf *out);

/* `hss diagnose ...` for a challenge that the card refused; nothing otherwise. common/trace/command.h */
void report_command(const struct registration *r, struct buf *out);

/* The verdict of the UE into the event stream. */
void report_verdict(const struct registration *r, struct trace *t);
