/* SPDX-License-Identifier: BSD-3-Clause
 * The typed Cx messages as tables (TS 29.229 6.1), in the order in which AVPs are written. */
#include "common/diameter/cx_table.h"

#define AT(type, field) (uint32_t) offsetof(type, field)

/* avp, struct, field */
#define SPAN_REQ(a, t, f)                                                                                    \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_SPAN, .required = true, .offset = AT(t, f)                      \
        }
#define SPAN_OPT(a, t, f)                                                                                    \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_SPAN, .offset = AT(t, f)                                        \
        }
#define SPAN_LEN(a, t, f, lo, hi)                                                                            \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_SPAN, .offset = AT(t, f), .min = lo, .max = hi                  \
        }
#define SPANS(a, t, f)                                                                                       \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_SPANS, .offset = AT(t, f)                                       \
        }
#define U32_REQ(a, t, f)                                                                                     \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_U32, .required = true, .offset = AT(t, f), .aux = CX_NO_AUX     \
        }
#define U32_OPT(a, t, f, has)                                                                                \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_U32, .offset = AT(t, f), .aux = AT(t, has)                      \
        }
#define U32S(a, t, f)                                                                                        \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_U32S, .offset = AT(t, f)                                        \
        }
#define U64_OPT(a, t, f, has)                                                                                \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_U64, .offset = AT(t, f), .aux = AT(t, has)                      \
        }
#define PRESENT(a, t, f)                                                                                     \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_PRESENT, .offset = AT(t, f)                                     \
        }
#define SPECIAL(a, k, t, f)                                                                                  \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_##k, .offset = AT(t, f)                                         \
        }
#define FIXED(a)                                                                                             \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_FIXED                                                           \
        }
#define GROUP_REQ(a, t, f, s)                                                                                \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_GROUP, .required = true, .offset = AT(t, f), .aux = CX_NO_AUX,  \
                .sub = &s                                                                                    \
        }
#define GROUP_OPT(a, t, f, has, s)                                                                           \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_GROUP, .offset = AT(t, f), .aux = AT(t, has), .sub = &s         \
        }
#define GROUPS(a, k, t, f, count, most, item, s)                                                             \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_##k, .offset = AT(t, f), .aux = AT(t, count), .max = most,      \
                .stride = sizeof(item), .sub = &s                                                            \
        }
/* a group whose members stand directly in the struct around it */
#define GROUP_FLAT(a, need, s)                                                                               \
        {                                                                                                    \
                .avp = AVP_##a, .kind = CX_K_GROUP, .required = need, .offset = 0, .aux = CX_NO_AUX,         \
                .sub = &s                                                                                    \
        }

#define TABLE(name, ...)                                                                                     \
        static const struct cx_field name##_fields[] = {__VA_ARGS__};                                        \
        static struct cx_table name = {.fields = name##_fields,                                              \
                                       .n = sizeof(name##_fields) / sizeof(name##_fields[0])}

/* --- groups ------------------------------------------------------------------------------------------ */

TABLE(identities, SPANS(USER_NAME, struct cx_spans, v));

#define T struct cx_capabilities
TABLE(capabilities, U32S(MANDATORY_CAPABILITY, T, mandatory), U32S(OPTIONAL_CAPABILITY, T, optional),
      SPANS(SERVER_NAME, T, server_names));
#undef T

#define T struct cx_auth_item
TABLE(digest, SPAN_REQ(DIGEST_REALM, T, digest.realm), SPAN_OPT(DIGEST_ALGORITHM, T, digest.algorithm),
      SPAN_REQ(DIGEST_QOP, T, digest.qop),
      {.avp = AVP_DIGEST_HA1,
       .kind = CX_K_SPAN,
       .required = true,
       .offset = AT(T, digest.ha1),
       .min = 32, /* MD5 */
       .max = 64 /* SHA-256 */},
      SPAN_OPT(ALTERNATE_DIGEST_ALGORITHM, T, digest.alt_algorithm),
      SPAN_OPT(ALTERNATE_DIGEST_HA1, T, digest.alt_ha1));

TABLE(auth_item, U32_OPT(SIP_ITEM_NUMBER, T, item_number, has_item_number),
      SPAN_OPT(SIP_AUTHENTICATION_SCHEME, T, scheme), SPAN_LEN(SIP_AUTHENTICATE, T, authenticate, 32, 32),
      SPAN_LEN(SIP_AUTHORIZATION, T, authorization, 4, 30), SPAN_OPT(SIP_AUTHENTICATION_CONTEXT, T, context),
      SPAN_LEN(CONFIDENTIALITY_KEY, T, ck, 16, 16), SPAN_LEN(INTEGRITY_KEY, T, ik, 16, 16),
      {.avp = AVP_SIP_DIGEST_AUTHENTICATE,
       .kind = CX_K_GROUP,
       .offset = 0,
       .aux = AT(T, digest.present),
       .sub = &digest},
      SPAN_LEN(FRAMED_IP_ADDRESS, T, framed_ip_address, 4, 4),
      SPAN_LEN(FRAMED_IPV6_PREFIX, T, framed_ipv6_prefix, 2, 18),
      U64_OPT(FRAMED_INTERFACE_ID, T, framed_interface_id, has_framed_interface_id),
      SPANS(LINE_IDENTIFIER, T, line_identifiers));
#undef T

#define T struct cx_charging
TABLE(charging, SPAN_OPT(PRIMARY_EVENT_CHARGING_FUNCTION_NAME, T, ecf1),
      SPAN_OPT(SECONDARY_EVENT_CHARGING_FUNCTION_NAME, T, ecf2),
      SPAN_OPT(PRIMARY_CHARGING_COLLECTION_FUNCTION_NAME, T, ccf1),
      SPAN_OPT(SECONDARY_CHARGING_COLLECTION_FUNCTION_NAME, T, ccf2));
#undef T

#define T struct cx_subscription_info
TABLE(subscription, SPAN_REQ(CALL_ID_SIP_HEADER, T, call_id), SPAN_REQ(FROM_SIP_HEADER, T, from),
      SPAN_REQ(TO_SIP_HEADER, T, to), SPAN_REQ(RECORD_ROUTE, T, record_route), SPAN_REQ(CONTACT, T, contact));
TABLE(pcscf_subscription, SPAN_REQ(CALL_ID_SIP_HEADER, T, call_id), SPAN_REQ(FROM_SIP_HEADER, T, from),
      SPAN_REQ(TO_SIP_HEADER, T, to), SPAN_REQ(CONTACT, T, contact));
#undef T

#define T struct cx_restoration_info
TABLE(restoration_info, SPAN_REQ(PATH, T, path), SPAN_REQ(CONTACT, T, contact),
      U32_OPT(INITIAL_CSEQ_SEQUENCE_NUMBER, T, initial_cseq, has_initial_cseq),
      SPAN_OPT(CALL_ID_SIP_HEADER, T, call_id),
      GROUP_OPT(SUBSCRIPTION_INFO, T, subscription, subscription.present, subscription),
      GROUP_OPT(P_CSCF_SUBSCRIPTION_INFO, T, pcscf_subscription, pcscf_subscription.present,
                pcscf_subscription));
#undef T

#define T struct cx_restoration
TABLE(restoration, SPAN_REQ(USER_NAME, T, impi),
      GROUPS(RESTORATION_INFO, GROUPS, T, info, n_info, CX_RESTORATION_MAX, struct cx_restoration_info,
             restoration_info),
      U32_OPT(REGISTRATION_TIME_OUT, T, timeout, has_timeout),
      SPAN_OPT(SIP_AUTHENTICATION_SCHEME, T, scheme));
#undef T

/* --- what all messages share ------------------------------------------------------------------------- */

#define T struct cx_request
TABLE(request_head, SPAN_REQ(SESSION_ID, T, session_id), U32_OPT(DRMP, T, drmp, has_drmp),
      FIXED(VENDOR_SPECIFIC_APPLICATION_ID), FIXED(AUTH_SESSION_STATE), SPAN_REQ(ORIGIN_HOST, T, origin_host),
      SPAN_REQ(ORIGIN_REALM, T, origin_realm), SPAN_OPT(DESTINATION_HOST, T, destination_host),
      SPAN_REQ(DESTINATION_REALM, T, destination_realm), SPECIAL(SUPPORTED_FEATURES, FEATURES, T, features));
#undef T

#define T struct cx_answer
TABLE(answer_head, SPAN_OPT(SESSION_ID, T, session_id), FIXED(VENDOR_SPECIFIC_APPLICATION_ID),
      SPECIAL(RESULT_CODE, RESULT, T, result), SPECIAL(EXPERIMENTAL_RESULT, EXPERIMENTAL, T, result),
      FIXED(AUTH_SESSION_STATE), SPAN_REQ(ORIGIN_HOST, T, origin_host),
      SPAN_REQ(ORIGIN_REALM, T, origin_realm), SPAN_OPT(ERROR_MESSAGE, T, error_message),
      SPECIAL(SUPPORTED_FEATURES, FEATURES, T, features), SPECIAL(FAILED_AVP, FAILED, T, failed_avp));
#undef T

/* --- the twelve messages ----------------------------------------------------------------------------- */

#define T struct cx_uar
TABLE(uar, SPAN_REQ(USER_NAME, T, impi), SPAN_REQ(PUBLIC_IDENTITY, T, impu),
      SPAN_REQ(VISITED_NETWORK_IDENTIFIER, T, visited_network),
      U32_OPT(USER_AUTHORIZATION_TYPE, T, type, has_type), U32_OPT(UAR_FLAGS, T, flags, has_flags));
#undef T

#define T struct cx_uaa
TABLE(uaa, SPAN_OPT(SERVER_NAME, T, server_name),
      GROUP_OPT(SERVER_CAPABILITIES, T, capabilities, capabilities.present, capabilities));
#undef T

#define T struct cx_mar
TABLE(mar, SPAN_REQ(USER_NAME, T, impi), SPAN_REQ(PUBLIC_IDENTITY, T, impu),
      GROUP_REQ(SIP_AUTH_DATA_ITEM, T, item, auth_item), U32_REQ(SIP_NUMBER_AUTH_ITEMS, T, n_items),
      SPAN_REQ(SERVER_NAME, T, server_name));
#undef T

#define T struct cx_maa
TABLE(maa, SPAN_OPT(USER_NAME, T, impi), SPAN_OPT(PUBLIC_IDENTITY, T, impu),
      U32_OPT(SIP_NUMBER_AUTH_ITEMS, T, n_items, has_n_items),
      GROUPS(SIP_AUTH_DATA_ITEM, GROUPS, T, items, n, CX_AUTH_ITEMS_MAX, struct cx_auth_item, auth_item));
#undef T

#define T struct cx_sar
TABLE(failed_pcscf, SPAN_OPT(PCSCF_FQDN, T, failed_pcscf.fqdn),
      SPANS(PCSCF_IP_ADDRESS, T, failed_pcscf.addresses));
TABLE(sar, SPAN_OPT(USER_NAME, T, impi), SPANS(PUBLIC_IDENTITY, T, impus),
      SPAN_OPT(WILDCARDED_PUBLIC_IDENTITY, T, wildcarded_impu), SPAN_REQ(SERVER_NAME, T, server_name),
      U32_REQ(SERVER_ASSIGNMENT_TYPE, T, type),
      U32_REQ(USER_DATA_ALREADY_AVAILABLE, T, data_already_available),
      GROUP_OPT(SCSCF_RESTORATION_INFO, T, restoration, has_restoration, restoration),
      U32_OPT(MULTIPLE_REGISTRATION_INDICATION, T, multiple_registration, has_multiple_registration),
      U32_OPT(SESSION_PRIORITY, T, session_priority, has_session_priority),
      U32_OPT(SAR_FLAGS, T, flags, has_flags),
      {.avp = AVP_FAILED_PCSCF,
       .kind = CX_K_GROUP,
       .offset = 0,
       .aux = AT(T, failed_pcscf.present),
       .sub = &failed_pcscf});
#undef T

#define T struct cx_saa
TABLE(saa_webrtc, SPANS(WEBRTC_AUTHENTICATION_FUNCTION_NAME, T, wafs),
      SPANS(WEBRTC_WEB_SERVER_FUNCTION_NAME, T, wwsfs));
TABLE(saa, SPAN_OPT(USER_NAME, T, impi), SPAN_OPT(USER_DATA, T, user_data),
      GROUP_OPT(CHARGING_INFORMATION, T, charging, charging.present, charging),
      {.avp = AVP_ASSOCIATED_IDENTITIES,
       .kind = CX_K_GROUP,
       .offset = AT(T, associated_identities),
       .aux = CX_NO_AUX,
       .sub = &identities},
      U32_OPT(LOOSE_ROUTE_INDICATION, T, loose_route, has_loose_route),
      GROUPS(SCSCF_RESTORATION_INFO, ALLOC, T, restorations, n_restorations, CX_LIST_MAX,
             struct cx_restoration, restoration),
      {.avp = AVP_ASSOCIATED_REGISTERED_IDENTITIES,
       .kind = CX_K_GROUP,
       .offset = AT(T, associated_registered_identities),
       .aux = CX_NO_AUX,
       .sub = &identities},
      SPAN_OPT(SERVER_NAME, T, server_name), SPAN_OPT(WILDCARDED_PUBLIC_IDENTITY, T, wildcarded_impu),
      U32_OPT(PRIVILEDGED_SENDER_INDICATION, T, priviledged_sender, has_priviledged_sender),
      GROUP_FLAT(ALLOWED_WAF_WWSF_IDENTITIES, false, saa_webrtc));
#undef T

#define T struct cx_lir
TABLE(lir, PRESENT(ORIGINATING_REQUEST, T, originating), SPAN_REQ(PUBLIC_IDENTITY, T, impu),
      U32_OPT(USER_AUTHORIZATION_TYPE, T, type, has_type),
      U32_OPT(SESSION_PRIORITY, T, session_priority, has_session_priority));
#undef T

#define T struct cx_lia
TABLE(lia, SPAN_OPT(SERVER_NAME, T, server_name),
      GROUP_OPT(SERVER_CAPABILITIES, T, capabilities, capabilities.present, capabilities),
      SPAN_OPT(WILDCARDED_PUBLIC_IDENTITY, T, wildcarded_impu), U32_OPT(LIA_FLAGS, T, flags, has_flags));
#undef T

#define T struct cx_rtr
TABLE(rtr_reason, U32_REQ(REASON_CODE, T, reason_code), SPAN_OPT(REASON_INFO, T, reason_info));
TABLE(rtr, SPAN_REQ(USER_NAME, T, impi),
      {.avp = AVP_ASSOCIATED_IDENTITIES,
       .kind = CX_K_GROUP,
       .offset = AT(T, associated_identities),
       .aux = CX_NO_AUX,
       .sub = &identities},
      SPANS(PUBLIC_IDENTITY, T, impus), GROUP_FLAT(DEREGISTRATION_REASON, true, rtr_reason),
      U32_OPT(RTR_FLAGS, T, flags, has_flags));
#undef T

#define T struct cx_rta
struct emergency {
        struct span impi, impu;
};
_Static_assert(sizeof(struct emergency) == sizeof(((T *)0)->emergency[0]), "one entry of cx_rta.emergency");
TABLE(emergency, SPAN_REQ(USER_NAME, struct emergency, impi),
      SPAN_REQ(PUBLIC_IDENTITY, struct emergency, impu));
TABLE(rta,
      {.avp = AVP_ASSOCIATED_IDENTITIES,
       .kind = CX_K_GROUP,
       .offset = AT(T, associated_identities),
       .aux = CX_NO_AUX,
       .sub = &identities},
      GROUPS(IDENTITY_WITH_EMERGENCY_REGISTRATION, GROUPS, T, emergency, n_emergency, CX_LIST_MAX,
             struct emergency, emergency));
#undef T

#define T struct cx_ppr
TABLE(ppr_webrtc, SPANS(WEBRTC_AUTHENTICATION_FUNCTION_NAME, T, wafs),
      SPANS(WEBRTC_WEB_SERVER_FUNCTION_NAME, T, wwsfs));
TABLE(ppr, SPAN_REQ(USER_NAME, T, impi), SPAN_OPT(USER_DATA, T, user_data),
      GROUP_OPT(CHARGING_INFORMATION, T, charging, charging.present, charging),
      GROUP_OPT(SIP_AUTH_DATA_ITEM, T, item, has_item, auth_item),
      GROUP_FLAT(ALLOWED_WAF_WWSF_IDENTITIES, false, ppr_webrtc));
#undef T

static struct cx_table ppa;

static const struct cx_shape shapes[CX_MSG_COUNT] = {
        [CX_MSG_uar] = {CMD_UAR, sizeof(struct cx_uar), &request_head, &uar},
        [CX_MSG_uaa] = {CMD_UAA, sizeof(struct cx_uaa), &answer_head, &uaa},
        [CX_MSG_mar] = {CMD_MAR, sizeof(struct cx_mar), &request_head, &mar},
        [CX_MSG_maa] = {CMD_MAA, sizeof(struct cx_maa), &answer_head, &maa},
        [CX_MSG_sar] = {CMD_SAR, sizeof(struct cx_sar), &request_head, &sar},
        [CX_MSG_saa] = {CMD_SAA, sizeof(struct cx_saa), &answer_head, &saa},
        [CX_MSG_lir] = {CMD_LIR, sizeof(struct cx_lir), &request_head, &lir},
        [CX_MSG_lia] = {CMD_LIA, sizeof(struct cx_lia), &answer_head, &lia},
        [CX_MSG_rtr] = {CMD_RTR, sizeof(struct cx_rtr), &request_head, &rtr},
        [CX_MSG_rta] = {CMD_RTA, sizeof(struct cx_rta), &answer_head, &rta},
        [CX_MSG_ppr] = {CMD_PPR, sizeof(struct cx_ppr), &request_head, &ppr},
        [CX_MSG_ppa] = {CMD_PPA, sizeof(struct cx_ppa), &answer_head, &ppa},
};

static void fill_slots(struct cx_table *t)
{
        for (size_t i = 0; i < t->n; i++) {
                t->slot[t->fields[i].avp] = (uint8_t)(i + 1);
                if (t->fields[i].sub)
                        fill_slots(t->fields[i].sub);
        }
}

const struct cx_shape *cx_shape(enum cx_msg which)
{
        static bool ready;

        if (!ready) {
                for (size_t i = 0; i < CX_MSG_COUNT; i++) {
                        fill_slots(shapes[i].head);
                        fill_slots(shapes[i].body);
                }
                ready = true;
        }
        return &shapes[which];
}

const char *cx_sat_name(uint32_t type)
{
        switch (type) {
#define X(name, value)                                                                                       \
        case value:                                                                                          \
                return #name;
                CX_SERVER_ASSIGNMENT_TYPES(X)
#undef X
        default:
                return "unknown";
        }
}
