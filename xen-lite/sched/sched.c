/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: theory of operation
 *
 * Weighted fair sharing.  Each vCPU has a virtual run time: its CPU time multiplied by 256 / weight
 * of its domain.  The vCPU with the least virtual run time is owed the most.  One queue, sorted by
 * virtual run time, holds every vCPU that could run and has no CPU.  One lock guards the queue and
 * all of struct sched_vcpu.  With at most eight CPUs and critical sections of a few hundred
 * instructions, that is cheaper than balancing eight queues.  It is also work-conserving by
 * construction: a CPU that looks for work sees all waiting vCPUs.
 *
 * States.  `sched_wants(v)` is true if the vCPU is online, not paused and not blocked, and its
 * domain is not paused and has budget left.  A vCPU that wants to run is `queued` or `running`; one
 * that does not is neither.  `running` means that a CPU is bound to the vCPU.  That begins when the
 * vCPU is chosen (it leaves the queue) and ends when its registers are in memory again.  So no
 * other CPU can choose it too early, and vcpu_sleep_sync (sched_wait.c) has a state to wait for.
 * Code that changes the result of sched_wants() from outside calls vcpu_wake or vcpu_sleep
 * afterwards.  For a running vCPU these only set WORK_RESCHED on its CPU.  That CPU evaluates
 * sched_wants() itself, under the lock, so no change is lost.
 *
 * Choosing.  A CPU chooses only when WORK_RESCHED is set, and switches only in these cases:
 * - At the end of the time slice (5 ms): to the vCPU with the least virtual run time.
 * - Between the rate limit (1 ms) and the end of the slice: to a waiting vCPU that is behind by
 * more than a margin (1 ms).  That is a vCPU that slept and now has work.  This bounds both its
 * latency and the number of switches.
 * - Whenever the current vCPU does not want to run, or yields.
 * Among waiting vCPUs within the margin, one that prefers this CPU goes first (soft affinity, or it
 * ran here last).
 *
 * Waking.  A vCPU must not save up credit while it sleeps.  When it wakes, its virtual run time is
 * raised to that of the queue's head minus half a slice.  It goes to an idle CPU if its affinity
 * allows one: first the CPU where it ran last, then the waker's.  Otherwise the CPU that runs the
 * vCPU with the greatest virtual run time is asked to choose again.  Otherwise it waits in the
 * queue.  `idle_mask` has the CPUs that found no work.  Whoever sends work to an idle CPU takes it
 * out of the mask at once, so that the next wake-up goes to another CPU.
 *
 * Bounds.  With affinity, or with weights that ask for more than one CPU can give, virtual run
 * times of vCPUs that never compete drift apart without limit.  The first of them to meet a new
 * competitor would then starve it, or be starved, for as long as the drift.  So sched_charge()
 * keeps every running vCPU within two slices of the queue's head, measured in the head's weight and
 * in its own.  Fair competition never shows a larger difference, so the bound changes nothing
 * there.
 *
 * Caps (sched_cap.c).  A capped domain gets a budget of cap % of 30 ms in each period.  Running
 * uses it up, and overdrawing is carried over to the next period.  Without budget the domain's
 * vCPUs do not want to run.  The refill timer, which is armed only then, ends that state.
 *
 * Timers.  A slice is timed only if another vCPU waits for this CPU, or the domain has a cap.  When
 * the queue gets longer, sched_tickle() tells the CPUs that run without a timer.  So a guest that
 * is alone on its CPU is not interrupted by the scheduler.
 *
 * Leaving and entering.  The state of a vCPU is saved as soon as it loses its CPU, even if the CPU
 * goes idle, because another CPU may run it next.  Its EL1 and FP registers also stay in the
 * hardware.  If it comes back to the same CPU before another vCPU used it, and the saved copy is
 * unchanged (sched.hw_cpu), loading is skipped.  This is the common case of a guest that waits for
 * a timer.
 */
#include "arch.h"
#include "domain_types.h"
#include "lib.h"
#include "panic.h"
#include "sched.h"
#include "sched_core.h"
#include "timer.h"

#define WAKE_MARGIN_NS 1000000u
#define MIN_TIMER_NS   50000u /* a shorter timer would gain nothing */

spinlock_t sched_lock = SPINLOCK_INIT;
struct sched_tunables sched_tunables = { .slice_us = 5000,
                                         .ratelimit_us = 1000,
                                         .migrate_delay_us = 1000 };

static struct list run_queue = LIST_INIT(run_queue);
uint64_t sched_online_mask;
static uint64_t idle_mask;

static uint64_t slice_ns(void) { return sched_tunables.slice_us * 1000ull; }
static uint64_t ratelimit_ns(void) { return sched_tunables.ratelimit_us * 1000ull; }
static uint64_t scaled(uint64_t ns, unsigned weight) { return ns * SCHED_WEIGHT_DEFAULT / weight; }
static struct vcpu *queue_entry(struct list *l) { return container_of(l, struct vcpu, sched.link); }
static struct vcpu *queue_head(void)
{
    return list_empty(&run_queue) ? NULL : queue_entry(run_queue.next);
}
static uint64_t cpus_of(const struct vcpu *v) { return v->sched.affinity & sched_online_mask; }

/*
 * True if v could run, apart from its domain's budget.  The flags change without the lock, and each
 * change is followed by a call of this function.
 */
bool sched_can_run(const struct vcpu *v)
{
    return __atomic_load_n(&v->online, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&v->blocked, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&v->pause_count, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&v->domain->pause_count, __ATOMIC_RELAXED);
}

bool sched_wants(const struct vcpu *v) { return sched_can_run(v) && !v->domain->sched.throttled; }

/* RUNSTATE_* of a vCPU that has no CPU. */
int sched_off_state(const struct vcpu *v)
{
    return sched_can_run(v) ? RUNSTATE_runnable : v->blocked ? RUNSTATE_blocked : RUNSTATE_offline;
}

void sched_poke(unsigned cpu)
{
    __atomic_fetch_or(&cpus[cpu].work, WORK_RESCHED, __ATOMIC_SEQ_CST);
    if (cpu != cpu_id())
        arch_kick_cpu(cpu);
}

/* ---- virtual time ---- */

static uint64_t vruntime_now(const struct vcpu *v, uint64_t now)
{
    return v->sched.vruntime + scaled(now - v->sched.charged_ns, v->domain->sched.weight);
}

/*
 * The point where competition is: virtual run time of the queue's head, otherwise the least of the
 * running ones.  False if nothing competes.
 */
static bool floor_vruntime(uint64_t now, uint64_t *floor)
{
    ASSERT_LOCKED(&sched_lock);
    const struct vcpu *head = queue_head();
    bool any = head != NULL;
    if (head)
        *floor = head->sched.vruntime;
    for (unsigned i = 0; !head && i < MAX_CPUS; i++) {
        const struct vcpu *v = cpus[i].scheduled;
        if (!v)
            continue;
        uint64_t t = vruntime_now(v, now);
        *floor = any ? MIN(*floor, t) : t;
        any = true;
    }
    return any;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* See "Bounds" above. */
static void keep_near_queue(struct vcpu *v)
{
    ASSERT_LOCKED(&sched_lock);
    const struct vcpu *head = queue_head();
    if (!head)
        return;
    uint64_t slice = 2 * slice_ns(), behind = slice + scaled(slice, head->domain->sched.weight);
    v->sched.vruntime = clamp(v->sched.vruntime, minus(head->sched.vruntime, behind),
                              head->sched.vruntime + scaled(slice, v->domain->sched.weight));
}

/* A vCPU that slept joins the others. */
static void catch_up(struct vcpu *v, uint64_t now)
{
    uint64_t floor;
    if (floor_vruntime(now, &floor))
        v->sched.vruntime = clamp(v->sched.vruntime, minus(floor, slice_ns() / 2),
                                  floor + scaled(2 * slice_ns(), v->domain->sched.weight));
}

/* ---- queue ---- */

void sched_dequeue(struct vcpu *v)
{
    ASSERT_LOCKED(&sched_lock);
    list_del(&v->sched.link);
    v->sched.queued = false;
}

static void enqueue(struct vcpu *v)
{
    ASSERT_LOCKED(&sched_lock);
    struct list *at = run_queue.next;
    while (at != &run_queue && queue_entry(at)->sched.vruntime <= v->sched.vruntime)
        at = at->next;
    list_add_before(at, &v->sched.link);
    v->sched.queued = true;
}

static unsigned choose_idle(const struct vcpu *v, uint64_t idle)
{
    uint64_t last = v->sched.cpu >= 0 ? 1ull << v->sched.cpu : 0, here = 1ull << cpu_id();
    const uint64_t order[] = { idle & v->sched.affinity_soft & last,
                               idle & v->sched.affinity_soft & here,
                               idle & v->sched.affinity_soft,
                               idle & last,
                               idle & here,
                               idle };
    for (unsigned i = 0;; i++)
        if (order[i])
            return (unsigned)__builtin_ctzll(order[i]);
}

/*
 * `v` was queued: find a CPU and tell it.  `preempt`: it may take a CPU from a vCPU that had more
 * time.
 */
void sched_tickle(const struct vcpu *v, uint64_t now, bool preempt)
{
    ASSERT_LOCKED(&sched_lock);
    uint64_t allowed = cpus_of(v), idle = allowed & idle_mask, most = 0;
    if (idle) {
        unsigned cpu = choose_idle(v, idle);
        idle_mask &= ~(1ull << cpu);
        sched_poke(cpu);
        return;
    }
    struct cpu *victim = NULL;
    for (; allowed; allowed &= allowed - 1) {
        struct cpu *c = &cpus[__builtin_ctzll(allowed)];
        if (!c->scheduled)
            continue; /* this CPU will choose anyway */
        uint64_t t = vruntime_now(c->scheduled, now);
        if (!c->slice_armed)
            sched_poke(c->id); /* its vCPU ran alone; from now on its slice is timed */
        else if (!victim || t > most)
            victim = c, most = t;
    }
    if (preempt && victim && v->sched.vruntime + WAKE_MARGIN_NS < most)
        sched_poke(victim->id);
}

void sched_make_runnable(struct vcpu *v, uint64_t now, bool woken)
{
    ASSERT_LOCKED(&sched_lock);
    if (woken)
        catch_up(v, now);
    enqueue(v);
    sched_tickle(v, now, woken);
}

/* ---- choosing ---- */

/* Accounts a running vCPU's time up to now. */
void sched_charge(struct vcpu *v, uint64_t now)
{
    ASSERT_LOCKED(&sched_lock);
    struct sched_vcpu *s = &v->sched;
    uint64_t ns = now - s->charged_ns;
    s->charged_ns = now;
    s->vruntime += scaled(ns, v->domain->sched.weight);
    keep_near_queue(v);
    if (v->domain->sched.cap)
        sched_cap_charge(v->domain, ns, now);
}

static unsigned liking(const struct vcpu *v, const struct cpu *c)
{
    return (v->sched.affinity_soft >> c->id & 1 ? 2u : 0u) + (v->sched.cpu == (int)c->id);
}

/* The waiting vCPU that this CPU should switch to, if it is to switch. */
static struct vcpu *candidate(const struct cpu *c)
{
    ASSERT_LOCKED(&sched_lock);
    struct vcpu *best = NULL;
    uint64_t limit = 0;
    list_for_each(l, &run_queue)
    {
        struct vcpu *v = queue_entry(l);
        if (best && v->sched.vruntime > limit)
            break;
        if (!(v->sched.affinity >> c->id & 1))
            continue;
        if (!best)
            limit = v->sched.vruntime + sched_tunables.migrate_delay_us * 1000ull;
        if (!best || liking(v, c) > liking(best, c))
            best = v;
    }
    return best;
}

static bool may_stay(const struct vcpu *v, const struct cpu *c)
{
    return sched_wants(v) && (v->sched.affinity >> c->id & 1);
}

static struct vcpu *choose(const struct cpu *c, struct vcpu *prev, uint64_t now)
{
    struct vcpu *next = candidate(c);
    if (!prev || !may_stay(prev, c))
        return next;
    if (!next)
        return prev;
    if (prev->sched.yielding)
        return next;
    uint64_t ran = now - prev->sched.slice_start_ns,
             margin = ran >= c->slice_ns ? 0 : WAKE_MARGIN_NS;
    if (ran < ratelimit_ns())
        return prev;
    return next->sched.vruntime + margin < prev->sched.vruntime ? next : prev;
}

/*
 * `v` continues here.  Its slice is timed if another vCPU waits (`contended`) or its domain has a
 * cap.
 */
static void arm_slice(struct cpu *c, const struct vcpu *v, bool contended, uint64_t now)
{
    if (!contended && !v->domain->sched.cap) {
        if (c->slice_armed)
            timer_cancel(&c->slice);
        c->slice_armed = false;
        return;
    }
    const struct vcpu *next = candidate(c);
    uint64_t end = v->sched.slice_start_ns + c->slice_ns;
    if (next && next->sched.vruntime + WAKE_MARGIN_NS < v->sched.vruntime)
        end = MIN(end, v->sched.slice_start_ns + ratelimit_ns());
    if (v->domain->sched.cap)
        end = MIN(end, now + sched_cap_share_ns(v->domain));
    c->slice_armed = true;
    timer_set(&c->slice, counter() + ns_to_ticks(MAX(end, now + MIN_TIMER_NS) - now));
}

static void slice_over(void *arg)
{
    struct cpu *c = arg;
    __atomic_fetch_or(&c->work, WORK_RESCHED, __ATOMIC_RELAXED);
}

static void start_slice(struct cpu *c, struct vcpu *v, bool after_yield, uint64_t now)
{
    v->sched.slice_start_ns = now;
    c->slice_ns = after_yield ? MAX(ratelimit_ns(), WAKE_MARGIN_NS) : slice_ns();
}

/* Binds `v` to the CPU.  True: its registers must be loaded. */
static bool give_cpu(struct cpu *c, struct vcpu *v, uint64_t now)
{
    ASSERT_LOCKED(&sched_lock);
    struct sched_vcpu *s = &v->sched;
    bool reload = c->loaded != v || s->hw_cpu != (int)c->id;
    sched_dequeue(v);
    s->running = true;
    s->cpu = s->hw_cpu = (int)c->id;
    s->charged_ns = now;
    vcpu_runstate_update(v, RUNSTATE_running, now);
    return reload;
}

struct sched_decision sched_decide(struct cpu *c)
{
    struct vcpu *prev = c->scheduled;
    spin_lock(&sched_lock);
    uint64_t now = system_time_ns();
    if (prev)
        sched_charge(prev, now);
    struct sched_decision s = { .prev = prev, .next = choose(c, prev, now) };
    bool yielded = prev && prev->sched.yielding;
    if (prev)
        prev->sched.yielding = false;
    if (s.next && s.next != prev) {
        s.reload = give_cpu(c, s.next, now);
        start_slice(c, s.next, yielded, now);
    } else if (prev && s.next == prev && now - prev->sched.slice_start_ns >= c->slice_ns) {
        start_slice(c, prev, false, now);
    }
    c->scheduled = s.next;
    if (prev && s.next != prev)
        vcpu_runstate_update(prev, sched_off_state(prev), now);
    if (s.next) {
        idle_mask &= ~(1ull << c->id);
        arm_slice(c, s.next, (prev && prev != s.next && may_stay(prev, c)) || candidate(c), now);
    } else {
        idle_mask |= 1ull << c->id;
        if (c->slice_armed)
            timer_cancel(&c->slice);
        c->slice_armed = false;
    }
    spin_unlock(&sched_lock);
    return s;
}

/* `v` is saved: other CPUs may run it. */
void sched_release(struct vcpu *v)
{
    spin_lock(&sched_lock);
    uint64_t now = system_time_ns();
    __atomic_store_n(&v->sched.running, false, __ATOMIC_RELEASE);
    if (sched_wants(v))
        sched_make_runnable(v, now, false);
    if (v->runstate.state != sched_off_state(v))
        vcpu_runstate_update(v, sched_off_state(v), now);
    spin_unlock(&sched_lock);
}

void vcpu_yield(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (candidate(this_cpu())) { /* otherwise no vCPU waits to which this one could yield */
        v->sched.yielding = true;
        sched_poke(cpu_id());
    }
    spin_unlock(&sched_lock);
}

/* ---- start ---- */

void sched_init(void)
{
    time_init();
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        cpus[i].id = i;
        list_init(&cpus[i].timers);
        timer_init(&cpus[i].slice, slice_over, &cpus[i]);
        cpus[i].slice_armed = false;
        cpus[i].scheduled = NULL;
    }
    list_init(&run_queue);
    idle_mask = sched_online_mask = 0;
    cpu_count = 0;
}

void sched_cpu_start(void)
{
    struct cpu *c = this_cpu();
    c->idle_end = counter();
    spin_lock(&sched_lock);
    sched_online_mask |= 1ull << c->id;
    cpu_count++; /* each CPU starts once */
    __atomic_fetch_or(&c->work, WORK_RESCHED, __ATOMIC_RELAXED);
    __atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
    spin_unlock(&sched_lock);
}
