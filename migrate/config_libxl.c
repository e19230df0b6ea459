/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts libxl's JSON (libxl_domain_config, in /var/lib/xen/userdata-d.*.libxl-json) to keys
 * of xl.cfg. */
#define _GNU_SOURCE 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "json.h"

enum how { TEXT, NUMBER, KIB_AS_MIB, WORD, OBJECT, NICS, IGNORE };

struct rule {
    const char *key, *to; /* key of libxl; key of xl.cfg */
    enum how how;
    const struct rule *inside; /* of an OBJECT: rules for its keys */
};

static const struct rule sched_rules[] = { { "weight", "cpu_weight", NUMBER, NULL },
                                           { "cap", "cap", NUMBER, NULL },
                                           { "sched", NULL, IGNORE, NULL },
                                           { "period", NULL, IGNORE, NULL },
                                           { "extratime", NULL, IGNORE, NULL },
                                           { "budget", NULL, IGNORE, NULL },
                                           { 0 } };
static const struct rule arm_rules[] = { { "vuart", "vuart", WORD, NULL },
                                         { "gic_version", "gic_version", WORD, NULL },
                                         { 0 } };
static const struct rule c_info_rules[] = { { "type", "type", WORD, NULL },
                                            { "name", "name", TEXT, NULL },
                                            { "uuid", "uuid", TEXT, NULL },
                                            { "domid", NULL, IGNORE, NULL },
                                            { "run_hotplug_scripts", NULL, IGNORE, NULL },
                                            { "passthrough", NULL, IGNORE, NULL },
                                            { "xend_suspend_evtchn_compat", NULL, IGNORE, NULL },
                                            { "hap", NULL, IGNORE, NULL },
                                            { "ssidref", NULL, IGNORE, NULL },
                                            { "poolid", NULL, IGNORE, NULL },
                                            { "pool_name", NULL, IGNORE, NULL },
                                            { "driver_domain", NULL, IGNORE, NULL },
                                            { 0 } };
static const struct rule b_info_rules[] = {
    { "max_vcpus", "vcpus", NUMBER, NULL },
    { "max_memkb", "maxmem", KIB_AS_MIB, NULL },
    { "target_memkb", "memory", KIB_AS_MIB, NULL },
    { "kernel", "kernel", TEXT, NULL },
    { "ramdisk", "ramdisk", TEXT, NULL },
    { "cmdline", "cmdline", TEXT, NULL },
    { "max_grant_frames", "max_grant_frames", NUMBER, NULL },
    { "event_channels", "max_event_channels", NUMBER, NULL },
    { "sched_params", NULL, OBJECT, sched_rules },
    { "arch_arm", NULL, OBJECT, arm_rules },
    /* placement on this host, and settings without meaning on Arm */
    { "avail_vcpus", NULL, IGNORE, NULL },
    { "cpumap", NULL, IGNORE, NULL },
    { "nodemap", NULL, IGNORE, NULL },
    { "vcpu_hard_affinity", NULL, IGNORE, NULL },
    { "vcpu_soft_affinity", NULL, IGNORE, NULL },
    { "numa_placement", NULL, IGNORE, NULL },
    { "video_memkb", NULL, IGNORE, NULL },
    { "shadow_memkb", NULL, IGNORE, NULL },
    { "iommu_memkb", NULL, IGNORE, NULL },
    { "rtc_timeoffset", NULL, IGNORE, NULL },
    { "localtime", NULL, IGNORE, NULL },
    { "claim_mode", NULL, IGNORE, NULL },
    { "tsc_mode", NULL, IGNORE, NULL },
    { "type.pvh", NULL, IGNORE, NULL },
    { "type.pv", NULL, IGNORE, NULL },
    { "type.hvm", NULL, IGNORE, NULL },
    { "type.invalid", NULL, IGNORE, NULL },
    { "arch_x86", NULL, IGNORE, NULL },
    { "max_maptrack_frames", NULL, IGNORE, NULL },
    { "max_grant_version", NULL, IGNORE, NULL },
    { "disable_migrate", NULL, IGNORE, NULL },
    { "blkdev_start", NULL, IGNORE, NULL },
    { "exec_ssidref", NULL, IGNORE, NULL },
    { "altp2m", NULL, IGNORE, NULL },
    { "vpmu", NULL, IGNORE, NULL },
    { "acpi", NULL, IGNORE, NULL },
    { "nested_hvm", NULL, IGNORE, NULL },
    { "apic", NULL, IGNORE, NULL },
    { "vmtrace_buf_kb", NULL, IGNORE, NULL },
    { "dm_restrict", NULL, IGNORE, NULL },
    { "device_model_version", NULL, IGNORE, NULL },
    { 0 }
};
static const struct rule top_rules[] = { { "c_info", NULL, OBJECT, c_info_rules },
                                         { "b_info", NULL, OBJECT, b_info_rules },
                                         { "nics", NULL, NICS, NULL },
                                         { "on_poweroff", "on_poweroff", WORD, NULL },
                                         { "on_reboot", "on_reboot", WORD, NULL },
                                         { "on_crash", "on_crash", WORD, NULL },
                                         { "on_watchdog", "on_watchdog", WORD, NULL },
                                         { "on_soft_reset", NULL, IGNORE, NULL },
                                         { 0 } };

/* True for an empty list, an empty object, or a value that means "not set". */
static bool is_empty(const char *raw)
{
    size_t at = 0;
    char key[8], *value = NULL;
    if (*raw == '[' || *raw == '{') {
        bool more = json_next(raw, &at, *raw == '{' ? key : NULL, sizeof(key), &value);
        free(value);
        return !more;
    }
    return !strcmp(raw, "null") || !strcmp(raw, "\"False\"") || !strcmp(raw, "\"unknown\"");
}

/* The contents of a JSON string. json.c reads strings only as values of an object, so wrap it. */
static char *unquote(const char *raw)
{
    char *wrapped = NULL, *value = malloc(strlen(raw) + 1);
    if (value && asprintf(&wrapped, "{\"v\":%s}", raw) > 0 &&
        json_get_string(wrapped, "v", value, strlen(raw) + 1)) {
        free(wrapped);
        return value;
    }
    free(wrapped);
    free(value);
    return NULL;
}

static int take_text(struct config *config, const struct rule *rule, const char *raw,
                     struct failure *f)
{
    char *value = unquote(raw);
    if (!value)
        return fail(f, XLM_E_CONFIG, "libxl's %s is not a string", rule->key);
    if (rule->how == WORD)
        for (char *c = value; *c; c++)
            if (*c == '_' && strcmp(rule->to, "vuart"))
                *c = '-';
    int error = config_set_string(config, rule->to, value, f);
    free(value);
    return error;
}

/* Takes the address and the bridge of each network interface. A custom script cannot move. */
static int take_nics(struct config *config, const char *raw, struct failure *f)
{
    size_t at = 0;
    int error = 0;
    for (char *nic; !error && json_next(raw, &at, NULL, 0, &nic); free(nic)) {
        char mac[32] = "", bridge[32] = "", script[256] = "", text[96];
        json_get_string(nic, "mac", mac, sizeof(mac));
        json_get_string(nic, "bridge", bridge, sizeof(bridge));
        if (json_get_string(nic, "script", script, sizeof(script)) &&
            strcmp(script, "vif-bridge") && strcmp(script, "/etc/xen/scripts/vif-bridge"))
            error = fail(f, XLM_E_CONFIG, "a network interface with the script %s cannot move",
                         script);
        snprintf(text, sizeof(text), "mac=%s%s%s", mac, bridge[0] ? ",bridge=" : "", bridge);
        if (!error)
            error = config_add_to_list(config, "vif", text, f);
    }
    return error;
}

static int take_object(struct config *config, const char *raw, const struct rule *rules,
                       struct failure *f);

static int take_value(struct config *config, const struct rule *rule, const char *raw,
                      struct failure *f)
{
    uint64_t number = strtoull(raw, NULL, 10);
    switch (rule->how) {
    case TEXT:
    case WORD: return take_text(config, rule, raw, f);
    case NUMBER: return config_set_number(config, rule->to, number, f);
    case KIB_AS_MIB: return config_set_number(config, rule->to, number / 1024, f);
    case OBJECT: return take_object(config, raw, rule->inside, f);
    case NICS: return take_nics(config, raw, f);
    default: return 0;
    }
}

static int take_object(struct config *config, const char *raw, const struct rule *rules,
                       struct failure *f)
{
    char key[64], *value;
    size_t at = 0;
    int error = 0;
    for (; !error && json_next(raw, &at, key, sizeof(key), &value); free(value)) {
        const struct rule *rule = rules;
        while (rule->key && strcmp(rule->key, key))
            rule++;
        if (rule->key)
            error = take_value(config, rule, value, f);
        else if (!is_empty(value))
            error = fail(f, XLM_E_CONFIG, "the guest has %s, which cannot move to another host",
                         key);
    }
    return error;
}

int config_from_libxl(struct config *config, const char *json, struct failure *f)
{
    memset(config, 0, sizeof(*config));
    if (!json_is_object(json))
        return fail(f, XLM_E_CONFIG, "libxl's configuration of the guest does not parse as JSON");
    if (take_object(config, json, top_rules, f) == 0)
        return 0;
    config_free(config);
    return -1;
}
