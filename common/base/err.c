/* SPDX-License-Identifier: BSD-3-Clause
 * Names and texts of the error list. */
#include "common/base/err.h"

static const struct {
        const char *name, *text;
} errors[] = {
#define X(name, value, text) [value] = {#name, text},
        IMS_ERR_LIST(X)
#undef X
};

#define N_ERRORS ((int)(sizeof(errors) / sizeof(errors[0])))

static int err_index(int err)
{
        if (err < 0 && err > -N_ERRORS)
                err = -err;
        return err > 0 && err < N_ERRORS && errors[err].name ? err : -1;
}

const char *ims_strerror(int err)
{
        int i = err_index(err);

        if (err == 0)
                return "no error";
        return i < 0 ? "unknown error" : errors[i].text;
}

const char *ims_errname(int err)
{
        int i = err_index(err);

        if (err == 0)
                return "IMS_OK";
        return i < 0 ? "IMS_EUNKNOWN" : errors[i].name;
}
