/* SPDX-License-Identifier: BSD-3-Clause
 * What the messages of tests/data/cx hold, field by field: identities and numbers as in its README.md,
 * AKA values of tests/data/vectors/aka-digest.json (first example; resynchronisation), H(A1) of
 * http-digest.json. "@FILE" stands for the content of a file next to them. */
#pragma once

static const struct example {
        const char *file;
        enum cx_msg which;
        const char *fields;
} examples[] = {
        {"lia-unregistered-service", CX_MSG_lia,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;13\n"
         "result=10415/2003\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "capabilities.mandatory=1\n"},
        {"lia", CX_MSG_lia,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;12\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"lir-2", CX_MSG_lir,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;13\n"
         "origin_host=icscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "originating\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"lir", CX_MSG_lir,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;12\n"
         "origin_host=icscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"maa-aka-resync", CX_MSG_maa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;2\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "n_items=1\n"
         "item.item_number=1\n"
         "item.scheme=Digest-AKAv1-MD5\n"
         "item.authenticate=7d3e9a10c5b84f2261d0e7f3a9182b4cf6a35707798501235bcc"
         "480c931fa9a3\n"
         "item.authorization=ff81575d6b80a795\n"
         "item.ck=5169ffbe4d84707b98011abcc4271c06\n"
         "item.ik=c51e8e1ccce3f3437b4213703c015f1d\n"},
        {"maa-aka", CX_MSG_maa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;1\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "n_items=1\n"
         "item.item_number=1\n"
         "item.scheme=Digest-AKAv1-MD5\n"
         "item.authenticate=7d3e9a10c5b84f2261d0e7f3a9182b4cf6a35707798501235bcc"
         "480c931fa9a3\n"
         "item.authorization=ff81575d6b80a795\n"
         "item.ck=5169ffbe4d84707b98011abcc4271c06\n"
         "item.ik=c51e8e1ccce3f3437b4213703c015f1d\n"},
        {"maa-digest", CX_MSG_maa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;3\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "n_items=1\n"
         "item.scheme=SIP Digest\n"
         "item.digest.realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.digest.algorithm=MD5\n"
         "item.digest.qop=auth\n"
         "item.digest.ha1=4149bbb4272475e43cdd7687f35b8a2a\n"},
        {"maa-giba", CX_MSG_maa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;5\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "n_items=1\n"
         "item.scheme=Early-IMS-Security\n"
         "item.framed_ip_address=c000020a\n"},
        {"maa-giba6", CX_MSG_maa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;6\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "n_items=1\n"
         "item.scheme=Early-IMS-Security\n"
         "item.framed_ipv6_prefix=004020010db800010002\n"
         "item.framed_interface_id=0200005efffe0001\n"},
        {"maa-nba", CX_MSG_maa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;4\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "n_items=1\n"
         "item.scheme=NASS-Bundled\n"
         "item.line_identifier=line-0001-port-17\n"},
        {"mar-aka-resync", CX_MSG_mar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;2\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=Digest-AKAv1-MD5\n"
         "item.authorization=c0a1f5e23b7d4698d4e1720f8c5b9a36206d9641405ba4aacddf13f0c900\n"
         "n_items=1\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"mar-aka", CX_MSG_mar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;1\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=Digest-AKAv1-MD5\n"
         "n_items=1\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"mar-giba", CX_MSG_mar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;5\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=Early-IMS-Security\n"
         "n_items=1\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"mar-giba6", CX_MSG_mar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;6\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=Early-IMS-Security\n"
         "n_items=1\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"mar-nba", CX_MSG_mar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;4\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=NASS-Bundled\n"
         "n_items=1\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"mar-unknown", CX_MSG_mar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;3\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=Unknown\n"
         "n_items=1\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"ppa-unknown", CX_MSG_ppa,
         "session_id=hss.ims.mnc001.mcc001.3gppnetwork.org;1893456000;16\n"
         "result=10415/5001\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"ppa", CX_MSG_ppa,
         "session_id=hss.ims.mnc001.mcc001.3gppnetwork.org;1893456000;15\n"
         "result=0/2001\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"ppr-digest", CX_MSG_ppr,
         "session_id=hss.ims.mnc001.mcc001.3gppnetwork.org;1893456000;16\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.scheme=SIP Digest\n"
         "item.digest.realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "item.digest.algorithm=MD5\n"
         "item.digest.qop=auth\n"
         "item.digest.ha1=4149bbb4272475e43cdd7687f35b8a2a\n"},
        {"ppr-profile", CX_MSG_ppr,
         "session_id=hss.ims.mnc001.mcc001.3gppnetwork.org;1893456000;15\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "user_data=@profile-example.xml\n"},
        {"rta", CX_MSG_rta,
         "session_id=hss.ims.mnc001.mcc001.3gppnetwork.org;1893456000;14\n"
         "result=0/2001\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"rtr", CX_MSG_rtr,
         "session_id=hss.ims.mnc001.mcc001.3gppnetwork.org;1893456000;14\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "reason_code=0\n"
         "reason_info=subscription ended\n"},
        {"saa-auth-failure", CX_MSG_saa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;9\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"saa-re-registration", CX_MSG_saa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;8\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"saa-registration", CX_MSG_saa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;7\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "user_data=@profile-example.xml\n"
         "charging.ccf1=aaa://ccf1.ims.mnc001.mcc001.3gppnetwork.org:3868;transport=tcp\n"
         "charging.ccf2=aaa://ccf2.ims.mnc001.mcc001.3gppnetwork.org:3868;transport=tcp\n"
         "waf=waf.example.com\n"
         "wwsf=wwsf.example.com\n"},
        {"saa-timeout-not-stored", CX_MSG_saa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;11\n"
         "result=10415/2004\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"saa-user-dereg", CX_MSG_saa,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;10\n"
         "result=0/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"sar-auth-failure", CX_MSG_sar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;9\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"
         "type=9\n"
         "data_already_available=0\n"},
        {"sar-re-registration-restoration", CX_MSG_sar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;8\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"
         "type=2\n"
         "data_already_available=1\n"
         "restoration.impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "restoration.info.path=<sip:term@pcscf.ims.mnc001.mcc001.3gppnetwork.org:5060;lr>\n"
         "restoration.info.contact=<sip:alice@192.0.2.10:31061>;+sip.instance=\""
         "<urn:gsma:imei:90420156-025763-0>\"\n"
         "restoration.info.initial_cseq=2\n"
         "restoration.info.call_id=reg-1@192.0.2.10\n"},
        {"sar-registration", CX_MSG_sar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;7\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"
         "type=1\n"
         "data_already_available=0\n"},
        {"sar-timeout-store", CX_MSG_sar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;11\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"
         "type=6\n"
         "data_already_available=0\n"},
        {"sar-user-dereg", CX_MSG_sar,
         "session_id=scscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;10\n"
         "origin_host=scscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"
         "type=5\n"
         "data_already_available=0\n"},
        {"uaa-error", CX_MSG_uaa,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;3\n"
         "result=10415/5001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"},
        {"uaa-first", CX_MSG_uaa,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;1\n"
         "result=10415/2001\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "capabilities.mandatory=1\n"
         "capabilities.optional=7\n"
         "capabilities.server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"uaa-subsequent", CX_MSG_uaa,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;2\n"
         "result=10415/2002\n"
         "origin_host=hss.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "server_name=sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060\n"},
        {"uar-2", CX_MSG_uar,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;2\n"
         "origin_host=icscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "visited_network=ims.mnc001.mcc001.3gppnetwork.org\n"
         "type=0\n"},
        {"uar-dereg", CX_MSG_uar,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;3\n"
         "origin_host=icscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "visited_network=ims.mnc001.mcc001.3gppnetwork.org\n"
         "type=1\n"},
        {"uar", CX_MSG_uar,
         "session_id=icscf.ims.mnc001.mcc001.3gppnetwork.org;1893456000;1\n"
         "origin_host=icscf.ims.mnc001.mcc001.3gppnetwork.org\n"
         "origin_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "destination_realm=ims.mnc001.mcc001.3gppnetwork.org\n"
         "impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org\n"
         "impu=sip:alice@ims.mnc001.mcc001.3gppnetwork.org\n"
         "visited_network=ims.mnc001.mcc001.3gppnetwork.org\n"
         "type=0\n"},
};
