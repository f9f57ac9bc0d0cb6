/* SPDX-License-Identifier: BSD-3-Clause
 * User and password for an HTTP proxy, and how its challenges are answered: Digest (RFC 7616) before Basic
 * (RFC 7617), and neither before the proxy asks. */
#pragma once

#include "common/net/http_tunnel.h"

#define PROXY_AUTH_TEXT_MAX 256

/* Plain data, so that it can be copied and wiped in one go. Zero it first. */
struct proxy_auth {
        char user[PROXY_AUTH_TEXT_MAX]; /* "": none */
        char password[PROXY_AUTH_TEXT_MAX];
        bool has_password;
};

/* -IMS_EINVAL: too long, a control character, or a colon in the user (RFC 7617 2). */
int proxy_auth_set_user(struct proxy_auth *p, struct span user) IMS_CHECK;
int proxy_auth_set_password(struct proxy_auth *p, struct span password) IMS_CHECK;

/* The password from a file, whose white space at both ends does not count; -IMS_EIO, -IMS_EINVAL with the
 * reason in err. And from QUINTET_UE_HTTP_PROXY_PASSWORD where none was given; the variable is taken out of
 * the environment. */
int proxy_auth_read_password(struct proxy_auth *p, const char *file, struct buf *err) IMS_CHECK;
int proxy_auth_take_environment(struct proxy_auth *p, struct buf *err) IMS_CHECK;

/* Both, or neither; and then with a proxy. -IMS_ECONF with what is missing in err. */
int proxy_auth_check(const struct proxy_auth *p, const char *proxy, struct buf *err) IMS_CHECK;

/* For http_tunnel_new; answer NULL without a user. p is borrowed. */
struct http_proxy_auth proxy_auth_hook(struct proxy_auth *p);

void proxy_auth_wipe(struct proxy_auth *p);
