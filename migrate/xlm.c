/* SPDX-License-Identifier: BSD-2-Clause */
/* The command xlm. It sends a request to the daemon over the local socket, and shows the
 * answers. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local_socket.h"
#include "histogram.h"
#include "json.h"
#include "rate.h"
#include "version.h"
#include "xlm_show.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CANCELLED = 3,
    EXIT_UNRESOLVED = 4,
    EXIT_NO_DAEMON = 5
};

struct options {
    bool json, progress, force;
    unsigned long downtime_ms, max_mbps, suspend_timeout_ms;
    unsigned long seconds, interval_ms, mbps;
    const char *histogram; /* a file, "-" for the terminal, or NULL */
};

static const char *socket_path = XLMD_SOCKET;
static char cancel_line[256];
static volatile sig_atomic_t asked_fd = -1;

static void usage(FILE *out)
{
    fputs(
        "usage: xlm migrate [OPTION...] GUEST HOST[:PORT]  move a running guest to another host\n"
        "       xlm dirty-rate [OPTION...] GUEST           measure what a guest writes; "
        "forecast a migration\n"
        "       xlm status [--json]                        list what is running or unresolved\n"
        "       xlm cancel GUEST                           stop a migration or a measurement of "
        "this guest\n"
        "       xlm resolve GUEST keep|give-up             decide who owns a guest after a lost "
        "connection\n"
        "       xlm version                                print the version of the running xlmd\n"
        "       xlm --version                              print the version of xlm\n"
        "       xlm --help                                 print this text\n"
        "Options of migrate:\n"
        "  --downtime-ms N         stop the guest when N ms are enough for the rest\n"
        "                          (1 to 3600000; default 300)\n"
        "  --max-mbps N            send at most N MiB/s while the guest runs (0: no limit, the "
        "default)\n"
        "  --suspend-timeout-ms N  give the guest N ms to react to the suspend request\n"
        "                          (1 to 600000; default 5000)\n"
        "  --force                 stop the guest even if its memory does not converge\n"
        "  --progress              print one line per round (with --json: always)\n"
        "Options of dirty-rate:\n"
        "  --seconds N             measure for N seconds (1 to 3600; default 10)\n"
        "  --interval-ms N         print one line per N ms (10 to 60000; default 1000)\n"
        "  --mbps N                forecast for a bandwidth of N MiB/s (default: that of the last\n"
        "                          migration from this host, or 100 if there is none)\n"
        "  --downtime-ms N         forecast for a downtime limit of N ms (default 300)\n"
        "  --histogram[=FILE.svg]  plot which memory is written; without FILE, or with -, as text\n"
        "Options of all commands:\n"
        "  --json                  print one JSON object per line (docs/report.md)\n"
        "  --socket PATH           the daemon's socket (default " XLMD_SOCKET ")\n"
        "Exit status: 0 done, 1 failed (the guest is where it was), 2 wrong usage,\n"
        "             3 cancelled (the guest is where it was), 4 unresolved (see xlm status),\n"
        "             5 xlmd does not answer\n",
        out);
}

static int connect_daemon(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    fprintf(stderr, "xlm: xlmd does not answer on %s: %s (is it running?)\n", socket_path,
            strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Ctrl-C in a migration: asks the daemon to cancel it. xlm still waits for its end. */
static void on_interrupt(int number)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)number;
    strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        (void)!write(fd, cancel_line, strlen(cancel_line));
    if (fd >= 0)
        close(fd);
}

/* Ctrl-C in a measurement: closes the sending direction, which ends it. The daemon still sends
 * the results. */
static void on_interrupt_measuring(int number)
{
    int saved = errno;
    (void)number;
    if (asked_fd < 0) /* no request has been sent yet */
        _exit(EXIT_CANCELLED);
    shutdown(asked_fd, SHUT_WR);
    errno = saved;
}

static int exit_code(const char *line)
{
    char result[16] = "";
    json_get_string(line, "result", result, sizeof(result));
    return !strcmp(result, "ok")           ? EXIT_OK
           : !strcmp(result, "cancelled")  ? EXIT_CANCELLED
           : !strcmp(result, "unresolved") ? EXIT_UNRESOLVED
                                           : EXIT_FAILED;
}

/* Writes the plot. Prints an error and returns false if that fails. */
static bool plot(const char *line, const char *path)
{
    static struct histogram h;
    bool text = !strcmp(path, "-");
    if (!histogram_parse(line, &h)) {
        fprintf(
            stderr,
            "xlm: the histogram from xlmd does not parse: xlm and xlmd have different versions\n");
        return false;
    }
    FILE *out = text ? stdout : fopen(path, "we");
    if (out && text)
        histogram_text(&h, out);
    else if (out)
        histogram_svg(&h, out);
    if (out && !ferror(out) && (text ? fflush(out) : fclose(out)) == 0)
        return true;
    fprintf(stderr, "xlm: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

/* Handles one event. True if it is the last one. */
static bool take_event(const struct options *o, const char *line, int *code)
{
    static bool plot_failed;
    char event[16] = "";
    if (o->json)
        puts(line);
    else
        show_line(line, o->progress);
    fflush(stdout);
    json_get_string(line, "event", event, sizeof(event));
    if (!strcmp(event, "histogram") && o->histogram && !(o->json && !strcmp(o->histogram, "-")))
        plot_failed = !plot(line, o->histogram);
    if (strcmp(event, "done"))
        return false;
    *code = exit_code(line);
    if (*code == EXIT_OK && plot_failed)
        *code = EXIT_FAILED;
    return true;
}

/* Sends the request and shows the answers. Returns the exit status. */
static int ask(const struct options *o, const char *request)
{
    char *line = NULL;
    size_t size = 0;
    int fd = connect_daemon(), code = EXIT_NO_DAEMON;
    if (fd < 0)
        return code;
    FILE *stream = fdopen(fd, "r");
    bool sent = send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request);
    asked_fd = fd;
    while (sent && stream && (errno = 0, getline(&line, &size, stream) > 0 || errno == EINTR)) {
        if (errno == EINTR) {
            clearerr(stream);
            continue;
        }
        line[strcspn(line, "\n")] = 0;
        if (take_event(o, line, &code))
            break;
    }
    if (code == EXIT_NO_DAEMON)
        fprintf(stderr,
                "xlm: xlmd ended before it answered; when it runs again, see `xlm status`\n");
    free(line);
    if (stream)
        fclose(stream);
    return code;
}

/* Builds a request line from keys and values. A value is a number if its key begins with '#'. */
static char *build(const char *const pair[][2], size_t count)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        bool number = pair[i][0][0] == '#';
        fprintf(out, "%s\"%s\":", i ? "," : "{", pair[i][0] + number);
        if (number)
            fputs(pair[i][1], out);
        else
            json_string(out, pair[i][1]);
    }
    fputs("}\n", out);
    return fclose(out) ? NULL : text;
}

static int ask_pairs(const struct options *o, const char *const pair[][2], size_t count)
{
    char *request = build(pair, count);
    int code = request ? ask(o, request) : EXIT_FAILED;
    free(request);
    return code;
}

/* Splits HOST, HOST:PORT or [ADDRESS]:PORT; changes `text`. */
static bool split_host(char *text, char **host, const char **port)
{
    char *colon = strrchr(text, ':');
    *port = "8002";
    *host = text;
    if (*text == '[') {
        char *end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        *host = text + 1;
        *end = 0;
        colon = end[1] ? end + 1 : NULL;
    } else if (colon && strchr(text, ':') != colon) {
        return true; /* a bare IPv6 address */
    }
    if (colon) {
        *colon = 0;
        *port = colon + 1;
        unsigned long number = strtoul(*port, NULL, 10);
        if (!**port || strspn(*port, "0123456789") != strlen(*port) || !number || number > 65535)
            return false;
    }
    return **host != 0;
}

static int do_migrate(const struct options *o, char **argument)
{
    char *host, downtime[24], mbps[24], timeout[24];
    const char *port;
    if (!split_host(argument[1], &host, &port)) {
        fprintf(stderr, "xlm: %s is not HOST, HOST:PORT or [ADDRESS]:PORT\n", argument[1]);
        return EXIT_USAGE;
    }
    snprintf(downtime, sizeof(downtime), "%lu", o->downtime_ms);
    snprintf(mbps, sizeof(mbps), "%lu", o->max_mbps);
    snprintf(timeout, sizeof(timeout), "%lu", o->suspend_timeout_ms);
    const char *const cancel[][2] = { { "cmd", "cancel" }, { "guest", argument[0] } };
    char *line = build(cancel, 2);
    if (line && strlen(line) < sizeof(cancel_line)) {
        struct sigaction action = { .sa_handler = on_interrupt };
        memcpy(cancel_line, line, strlen(line) + 1);
        sigaction(SIGINT, &action, NULL);
    }
    free(line);
    const char *const pair[][2] = {
        { "cmd", "migrate" },
        { "guest", argument[0] },
        { "host", host },
        { "#port", port },
        { "#downtime_ms", downtime },
        { "#max_mbps", mbps },
        { "#suspend_timeout_ms", timeout },
        { "#force", o->force ? "1" : "0" },
    };
    return ask_pairs(o, pair, sizeof(pair) / sizeof(*pair));
}

static int do_plain(const struct options *o, const char *command, char **argument)
{
    const char *const pair[][2] = { { "cmd", command },
                                    { "guest", argument[0] ? argument[0] : "" },
                                    { "action", argument[0] && argument[1] ? argument[1] : "" } };
    return ask_pairs(o, pair, argument[0] ? argument[1] ? 3 : 2 : 1);
}

static bool get_number(const char *name, const char *text, unsigned long least, unsigned long most,
                       unsigned long *value)
{
    char *end;
    errno = 0;
    *value = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && *value >= least && *value <= most)
        return true;
    fprintf(stderr, "xlm: --%s needs a number from %lu to %lu, not %s\n", name, least, most, text);
    return false;
}

/* True if FILE can be written after the measurement. Makes an empty file if there is none, and
 * leaves an existing file as it is. */
static bool can_write(const char *path)
{
    FILE *out = strcmp(path, "-") ? fopen(path, "ae") : NULL;
    if (out)
        fclose(out);
    else if (strcmp(path, "-"))
        fprintf(stderr, "xlm: cannot write %s: %s\n", path, strerror(errno));
    return out || !strcmp(path, "-");
}

static int do_rate(const struct options *o, char **argument)
{
    char seconds[24], interval[24], mbps[24], downtime[24];
    if (o->interval_ms > o->seconds * 1000) {
        fprintf(stderr, "xlm: --interval-ms %lu is longer than --seconds %lu\n", o->interval_ms,
                o->seconds);
        return EXIT_USAGE;
    }
    if (o->histogram && !can_write(o->histogram))
        return EXIT_FAILED;
    snprintf(seconds, sizeof(seconds), "%lu", o->seconds);
    snprintf(interval, sizeof(interval), "%lu", o->interval_ms);
    snprintf(mbps, sizeof(mbps), "%lu", o->mbps);
    snprintf(downtime, sizeof(downtime), "%lu", o->downtime_ms);
    sigaction(SIGINT,
              &(struct sigaction){ .sa_handler = on_interrupt_measuring, .sa_flags = SA_RESTART },
              NULL);
    const char *const pair[][2] = {
        { "cmd", "dirty-rate" },
        { "guest", argument[0] },
        { "#seconds", seconds },
        { "#interval_ms", interval },
        { "#mbps", mbps },
        { "#downtime_ms", downtime },
        { "#histogram", o->histogram ? "1" : "0" },
    };
    int code = ask_pairs(o, pair, sizeof(pair) / sizeof(*pair));
    struct stat file;
    if (o->histogram && stat(o->histogram, &file) == 0 && S_ISREG(file.st_mode) && !file.st_size)
        unlink(o->histogram); /* nothing was plotted: remove the empty file that can_write() made */
    return code;
}

/* The optional argument of --histogram: `=FILE`, or the next word if it is `-` or ends in .svg. */
static const char *histogram_file(int argc, char **argv)
{
    if (optarg)
        return *optarg ? optarg : "-";
    const char *next = optind < argc ? argv[optind] : "";
    size_t n = strlen(next);
    if (strcmp(next, "-") && (n < 5 || strcmp(next + n - 4, ".svg")))
        return "-";
    optind++;
    return next;
}

enum command { MIGRATE, STATUS, CANCEL, RESOLVE, VERSION, DIRTY_RATE };
static const struct {
    const char *name;
    int arguments;
} command[] = {
    [MIGRATE] = { "migrate", 2 }, [STATUS] = { "status", 0 },   [CANCEL] = { "cancel", 1 },
    [RESOLVE] = { "resolve", 2 }, [VERSION] = { "version", 0 }, [DIRTY_RATE] = { "dirty-rate", 1 },
};
#define FOR(c) (1u << (c))

/* Options that only some commands have. All commands have the other options. */
static const struct {
    const char *name;
    int letter;
    unsigned commands;
} owned[] = {
    { "progress", 'p', FOR(MIGRATE) },
    { "force", 'f', FOR(MIGRATE) },
    { "max-mbps", 'm', FOR(MIGRATE) },
    { "suspend-timeout-ms", 't', FOR(MIGRATE) },
    { "downtime-ms", 'd', FOR(MIGRATE) | FOR(DIRTY_RATE) },
    { "seconds", 'S', FOR(DIRTY_RATE) },
    { "interval-ms", 'i', FOR(DIRTY_RATE) },
    { "mbps", 'b', FOR(DIRTY_RATE) },
    { "histogram", 'H', FOR(DIRTY_RATE) },
};
#define OWNED (sizeof(owned) / sizeof(*owned))
static bool was_given[OWNED];

static void note_given(int letter)
{
    for (size_t i = 0; i < OWNED; i++)
        was_given[i] |= owned[i].letter == letter;
}

static bool options_fit(enum command c)
{
    for (size_t i = 0; i < OWNED; i++)
        if (was_given[i] && !(owned[i].commands & FOR(c))) {
            fprintf(stderr, "xlm: --%s is not an option of %s\n", owned[i].name, command[c].name);
            return false;
        }
    return true;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    static const struct option option[] = {
        { "json", no_argument, NULL, 'j' },
        { "progress", no_argument, NULL, 'p' },
        { "force", no_argument, NULL, 'f' },
        { "downtime-ms", required_argument, NULL, 'd' },
        { "max-mbps", required_argument, NULL, 'm' },
        { "suspend-timeout-ms", required_argument, NULL, 't' },
        { "socket", required_argument, NULL, 's' },
        { "seconds", required_argument, NULL, 'S' },
        { "interval-ms", required_argument, NULL, 'i' },
        { "mbps", required_argument, NULL, 'b' },
        { "histogram", optional_argument, NULL, 'H' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    *o = (struct options){
        .downtime_ms = 300, .suspend_timeout_ms = 5000, .seconds = 10, .interval_ms = 1000
    };
    for (int c; (c = getopt_long(argc, argv, "h", option, NULL)) != -1;) {
        bool good = true;
        note_given(c);
        switch (c) {
        case 'j': o->json = true; break;
        case 'p': o->progress = true; break;
        case 'f': o->force = true; break;
        case 's': socket_path = optarg; break;
        case 'd': good = get_number("downtime-ms", optarg, 1, 3600000, &o->downtime_ms); break;
        case 'm': good = get_number("max-mbps", optarg, 0, 1000000, &o->max_mbps); break;
        case 't':
            good = get_number("suspend-timeout-ms", optarg, 1, 600000, &o->suspend_timeout_ms);
            break;
        case 'S': good = get_number("seconds", optarg, 1, RATE_SECONDS_MAX, &o->seconds); break;
        case 'i':
            good = get_number("interval-ms", optarg, RATE_INTERVAL_MIN_MS, RATE_INTERVAL_MAX_MS,
                              &o->interval_ms);
            break;
        case 'b': good = get_number("mbps", optarg, 1, 1000000, &o->mbps); break;
        case 'H': o->histogram = histogram_file(argc, argv); break;
        case 'h': usage(stdout); exit(EXIT_OK);
        case 'V': puts("xen-lite " XL_VERSION); exit(EXIT_OK);
        default: usage(stderr); return false;
        }
        if (!good)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!parse_options(argc, argv, &options))
        return EXIT_USAGE;
    char **argument = argv + optind;
    int count = argc - optind;
    for (unsigned i = 0; count && i < sizeof(command) / sizeof(*command); i++) {
        if (strcmp(argument[0], command[i].name) || count - 1 != command[i].arguments)
            continue;
        if (!options_fit((enum command)i))
            return EXIT_USAGE;
        if (i == RESOLVE && strcmp(argument[2], "keep") && strcmp(argument[2], "give-up"))
            break;
        return i == MIGRATE      ? do_migrate(&options, argument + 1)
               : i == DIRTY_RATE ? do_rate(&options, argument + 1)
                                 : do_plain(&options, command[i].name, argument + 1);
    }
    usage(stderr);
    return EXIT_USAGE;
}
