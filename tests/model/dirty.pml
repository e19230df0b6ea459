/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of the dirty log's protocol for Spin.  It checks the argument at the head of
 * xen-lite/stage2/dirty.c by exhaustive search.
 *
 * Theory of operation.  The model has one page of a guest, all writers of that page, and the daemon
 * that copies it, for any number of writes and rounds.  Spin tries all orders of the steps below (a
 * step is one statement, or one d_step or atomic block) and searches for an order that breaks one
 * of these properties, or that leaves a process waiting for ever:
 *
 *   !lost      after the last round the daemon's copy equals the page
 *   !refused   a store to a page that the guest may write to never becomes an abort
 *   !stuck     a store that has faulted faults again only if the leaf was cleaned since
 *
 * The page's content is one bit, `differs`.  Every write is assumed to store a new value, so only
 * one fact matters: whether the page differs from the copy.  (The bit stands for one word of the
 * page.  Copying a page is not one step, but copying a word is.)
 *
 *   process     role                                    the code that it models
 *   Guest (2)   a CPU that runs the guest: walks,       entry.S; dirty_fault and mark:
 *               stores, write faults; it may also run   dirty_mark.c; spurious: p2m_fault.c;
 *               another domain                          vmid_enter: vmid.c
 *   Writer      a third CPU, which writes by another    copy_piece: guest_mem.c;
 *               way than the guest's stage 2: the       dirty_mark: dirty_mark.c;
 *               hypervisor, or with EXTERNAL a domain   dirty_ext_writer
 *               that maps the page
 *   Daemon      enables the log, harvests, ends the     dirty.c, dirty_harvest.c;
 *               round, copies, disables; pauses the     vmid_renew: vmid.c;
 *               guest and does a last round             migrate/source.c, outflow.c
 *   Memory      makes stores visible, some time after
 *               they were executed
 *
 * Variants, by -D:
 *   HW         the CPU itself sets W where DBM allows it; a harvest does not read region bits
 *   BLOCK      the page starts in a 2 MiB block: splits (with or without memory for the table), and
 *              merges when logging ends
 *   TOGGLE     logging is turned off and on again, at any time
 *   EXTERNAL   Writer is another domain, with a mapping that comes and goes
 *   QUIET      guest and Writer may stop for good at any time, so that a process that waits in vain
 *              is not hidden by others that continue
 *   BUG_...    one fault in the protocol, whose consequence the search must find
 * `run` lists all of them.
 *
 * Memory order.  On Arm a store becomes visible late, and a load may be satisfied early.  The model
 * has these effects wherever the code has a barrier against them:
 *   - a store to the page waits in `in_flight` until Memory makes it visible; barriers wait for it;
 *   - the daemon's plain store to an entry waits in `late_leaf` or `late_upper`; the release of the
 *     lock comes after it;
 *   - a marker's read of the region's bit, and a harvest's read of the leaf, may come before the
 *     atomic step that precedes it in program order, in the variants without the barrier between.
 * All CPUs see atomic steps on an entry or on the region's bit at once.
 *
 * TLBs.  A CPU has one entry for the page, or none.  It may walk at any time (speculation), also
 * when it already has an entry.  It uses an entry without reading the tables.  An entry with a
 * different VMID than the loaded one matches nothing.  So one entry per CPU is enough, and two
 * VMIDs are: a VMID that is handed out again has been flushed before, by the new generation.
 *
 * Not in the model:
 *   - other pages (Writer models their effects on the region's bit and on the block);
 *   - harvests of part of a region, and peeks;
 *   - pages that start dirty, because they are mapped or first written by the domain's builder;
 *   - failing allocations, except that of a split;
 *   - how vmid.c finds a VMID (the flush of a generation stands for all of it).
 * A walk is one step, and so is an access through the window: who unlinks a table waits for both
 * (pt_write's flush, vlpt_forget).  A fault reads the leaf once without the lock and once with it,
 * then calls spurious(); the code reads it up to three times before that.
 */

/* ---- the tables ---- */
#define W       1               /* S2AP[1] */
#define LOGGED  2
#define DBM     4
#define EXT     8               /* in place of LOGGED: dirty in every round */
#define VALID   16
#define TABLE   32              /* `upper` is a table, which holds `leaf` */

byte leaf = VALID | W;          /* the page's level-3 entry */
#ifdef BLOCK
#ifdef EXTERNAL
/* Level 2: a block (with EXT: of writers that have gone), a table, or nothing between break and
 * make. */
byte upper = VALID | W | EXT;
#else
byte upper = VALID | W;
#endif
#define AT_BLOCK (!(upper & TABLE))
#define ENTRY (AT_BLOCK -> upper : leaf)        /* what a walk finds */
#define IN_WINDOW (AT_BLOCK -> 0 : leaf)        /* what vlpt_leaf finds: only leaves */
#else
#define AT_BLOCK false
#define ENTRY leaf
#define IN_WINDOW leaf
#endif

#ifdef HW
#define HW_DIRTY true           /* p2m->hw_dirty */
#define NEW_LEAF (VALID | LOGGED | DBM)         /* dirty_new_leaf, level 3 */
#else
#define HW_DIRTY false
#define NEW_LEAF (VALID | LOGGED)
#endif
#define IS_LOGGED(d) (((d) & (VALID | LOGGED)) == (VALID | LOGGED))
#define IS_DIRTY(d) (((d) & (VALID | W)) == (VALID | W) && ((d) & (LOGGED | EXT)))

bool region;                    /* the page's bit in log->region */
bool logging;                   /* p2m->logging */
bool lock;                      /* p2m->lock */
bool ext_writers;               /* of struct page; Writer is the only one here */

/* ---- CPUs and TLBs ---- */
#define GUESTS  2               /* CPUs 0 and 1, which are also the processes' numbers */
#define WRITER  2
#define NONE    0
#define RO      1
#define RO_DBM  2               /* clean, and the CPU itself may make it dirty */
#define RW      3

byte vmid = 1;                  /* the domain's VMID: 1 or 2; 0: none */
/* The VMID in this CPU's VTTBR_EL2 (`active` in vmid.c); 0: another domain's. */
byte loaded[GUESTS] = 1;
byte tlb[GUESTS], tag[GUESTS];  /* this CPU's entry, and its VMID */
#define ACCESS(d) ((d) & W -> RW : ((d) & DBM -> RO_DBM : RO))

/* ---- the page ---- */
bool differs;                   /* the page differs from the daemon's copy */
bool in_flight[GUESTS + 1];     /* a store of this CPU is not visible yet */
/* CPUs 0 to 2 finish what they have begun, and begin nothing else */
bool paused;
byte stopped;                   /* how many of CPUs 0 to 2 have stopped */

/* ---- what must never be true ---- */
bool lost, refused, stuck;
/* this CPU's store has faulted, and the leaf was not cleaned since */
bool faulted[GUESTS];
#define CLEANED faulted[0] = false; faulted[1] = false

/* ---- the daemon's stores that are not visible yet ---- */
#define NOTHING 255
byte late_leaf = NOTHING;
#ifdef BLOCK
byte late_upper = NOTHING;
#define IS_LATE (late_leaf != NOTHING || late_upper != NOTHING)
#define STORE_ENTRY(value) if :: AT_BLOCK -> late_upper = value :: else -> late_leaf = value fi
#else
#define IS_LATE (late_leaf != NOTHING)
#define STORE_ENTRY(value) late_leaf = value
#endif

#define WAIT_UNTIL(condition) (condition)

/* ---- TLB upkeep ---- */
#define DROP_ENTRY(cpu) tlb[cpu] = NONE; tag[cpu] = 0
/* The flush between break and make is one step with the make: no CPU can make an entry between
 * them, and stores in flight do not matter here. */
#ifdef BLOCK
inline flush_and_make(desc) { d_step { DROP_ENTRY(0); DROP_ENTRY(1); upper = desc } }
#endif

/* ---- marking: dirty_mark.c ---- */
/*
 * The region's bit.  dirty_note reads it, and sets it if it is clear.  Here that is one step,
 * because all that matters is that the read comes after the write to the leaf, which the full
 * barrier ensures.  Without the barrier the read may come before it.
 */
#ifdef BUG_NO_BARRIER_IN_NOTE
#define BEFORE_LEAF if :: region -> seen = true :: skip fi;
#define DIRTY_NOTE if :: seen -> seen = false :: else -> region = true fi
#define SEEN_VARIABLE bool seen;
#define FORGET_SEEN seen = false;
#else
#ifdef BUG_REGION_BEFORE_LEAF
#define BEFORE_LEAF region = true;
#define DIRTY_NOTE skip
#else
#define BEFORE_LEAF
#define DIRTY_NOTE region = true
#endif
#define SEEN_VARIABLE
#define FORGET_SEEN
#endif

/* dirty_split: fill, break, flush, link.  Then the leaf gets its own flags, while other CPUs may
 * already be marking it. */
#ifdef BLOCK
#define SPLIT_LEAF(d) (ext_writers -> VALID | EXT | W : SPLIT_LEAF_ALONE(d))
#define SPLIT_LEAF_ALONE(d) ((d) & LOGGED -> (d) | NEW_LEAF : SPLIT_LEAF_UNLOGGED(d))
#define SPLIT_LEAF_UNLOGGED(d) (((d) & EXT) && logging -> NEW_LEAF | W : (d) & ~EXT)
#ifdef BUG_SPLIT_OF_EXT_NOT_NOTED
#define HAD_EXT false
#else
#define HAD_EXT l
#endif
inline dirty_split()
{
    d_step { l = upper & EXT; leaf = upper; upper = 0 };
    flush_and_make(VALID | TABLE);
#if defined(BUG_SPLIT_BY_PLAIN_STORE)
    l = leaf;
    leaf = SPLIT_LEAF(l);
#elif defined(HW) || defined(EXTERNAL)
    leaf = SPLIT_LEAF(leaf);            /* compare and swap */
#endif
    d_step {
        if
#ifdef EXTERNAL
        :: logging && (ext_writers || HAD_EXT) -> DIRTY_NOTE
#endif
        :: else
        fi;
        l = 0
    }
}
#endif

#ifdef BLOCK
#define SET_W if :: AT_BLOCK -> upper = upper | W :: else -> leaf = leaf | W fi /* fetch_or */
/* without memory for a table, the whole block becomes dirty */
#define MAYBE_SPLIT if :: AT_BLOCK -> dirty_split() :: skip fi;
#else
#define SET_W leaf = leaf | W
#define MAYBE_SPLIT
#endif

/*
 * A release waits for this CPU's earlier stores.  The guest's handler does not wait in the model,
 * because no property depends on that.
 *
 * mark and mark_locked end with a jump to the caller's label `marked` or `not_logged`.  Taking the
 * lock is one step with the first action under it, and releasing it is one step with the last
 * action: nothing that matters can happen between.
 */
#define RELEASE(cpu) ((cpu) != WRITER || !in_flight[WRITER])
inline mark_locked(cpu)
{
    atomic {
        !lock && RELEASE(cpu) -> lock = true;
        if
        :: IS_DIRTY(ENTRY) -> lock = false; goto marked
        :: IS_LOGGED(ENTRY) && !IS_DIRTY(ENTRY)
        :: else ->
#ifndef BUG_LOCK_KEPT
            lock = false;
#endif
            goto not_logged
        fi
    };
    MAYBE_SPLIT
    BEFORE_LEAF
    SET_W;
    atomic { RELEASE(cpu) -> DIRTY_NOTE; lock = false; goto marked }
}

inline mark(cpu)
{
    atomic {                            /* mark_in_window, or entry.S; without the lock */
        if
        :: IS_DIRTY(IN_WINDOW) -> goto marked
        :: IS_LOGGED(IN_WINDOW) && !IS_DIRTY(IN_WINDOW) -> l = IN_WINDOW
        :: else -> goto by_lock
        fi
    };
    BEFORE_LEAF
    atomic {
        RELEASE(cpu);                   /* cas64_may_fault's STLXR */
        if
        :: IN_WINDOW == l -> leaf = l | W; l = 0
        :: else -> FORGET_SEEN l = 0; goto by_lock
        fi
    };
    atomic { DIRTY_NOTE; goto marked };
by_lock:
    mark_locked(cpu)
}

/* ---- p2m_fault.c ---- */
#ifdef BUG_SPURIOUS_WITHOUT_LOGGED
#define ALLOWS_WRITE(d) ((d) & W)
#else
#define ALLOWS_WRITE(d) ((d) & (W | LOGGED))
#endif
inline spurious()
{
    atomic { !lock -> refused = !ALLOWS_WRITE(ENTRY); assert(!refused) }
}

/* ---- vmid.c ---- */
/* A VMID that no CPU has loaded.  No TLB entry of its last use is left, unless it is handed out
 * without the flush of a new generation. */
#ifdef BUG_NUMBER_NOT_FLUSHED
#define FLUSH_NUMBER(cpu) skip
#else
#define FLUSH_NUMBER(cpu) if :: tag[cpu] == vmid -> DROP_ENTRY(cpu) :: else fi
#endif
inline next_number()
{
    vmid = (loaded[0] == 1 || loaded[1] == 1 -> 2 : 1);
    FLUSH_NUMBER(0);
    FLUSH_NUMBER(1)
}

inline vmid_enter(cpu)
{
    if
    :: vmid == 0 -> next_number()
    :: else
    fi;
    loaded[cpu] = vmid
}

#define IS_RUNNING (vmid && (loaded[0] == vmid || loaded[1] == vmid))
#define ALL_HAVE_LEFT (loaded[0] != left && loaded[1] != left)
inline vmid_renew()
{
#ifndef BUG_NO_DSB_BEFORE_RENEWAL
    WAIT_UNTIL(!IS_LATE);               /* arch_dsb */
#endif
    d_step {
        if
        :: IS_RUNNING -> left = vmid; next_number()     /* move_on */
        :: else -> vmid = 0
        fi
    };
#ifndef BUG_NEW_NUMBER_WITHOUT_WAIT
    WAIT_UNTIL(left == 0 || ALL_HAVE_LEFT);             /* wait_until_left */
#endif
    left = 0
}

/* ---- the guest ---- */
#define IN_GUEST (loaded[_pid] != 0 && !paused)
#ifdef BUG_NO_DSB_IN_ENTER
#define LEAVES_CLEANLY true
#else
#define LEAVES_CLEANLY !in_flight[_pid]         /* vmid_enter's DSB */
#endif
#define MY_ENTRY (IN_GUEST && tag[_pid] == loaded[_pid] -> tlb[_pid] : NONE)

active [GUESTS] proctype Guest()
{
    byte l;
    SEEN_VARIABLE
next:
    do
    /* idle; vmid_idle */
    :: atomic { paused && !in_flight[_pid] -> loaded[_pid] = 0; stopped++; break }
    :: atomic { !paused && loaded[_pid] == 0 -> vmid_enter(_pid) }
    :: atomic { IN_GUEST && LEAVES_CLEANLY -> loaded[_pid] = 0 }        /* another domain's turn */
    /* WORK_VMID */
    :: atomic { IN_GUEST && loaded[_pid] != vmid && LEAVES_CLEANLY -> vmid_enter(_pid) }
    /* a walk */
    :: atomic { IN_GUEST && (ENTRY & VALID) -> tlb[_pid] = ACCESS(ENTRY); tag[_pid] = loaded[_pid] }
    /* a store */
    :: atomic { MY_ENTRY == RW -> in_flight[_pid] = true; faulted[_pid] = false }
    :: atomic { MY_ENTRY == RO -> goto write_fault }
#ifdef HW
    /* the CPU's atomic update */
    :: atomic { MY_ENTRY == RO_DBM && (ENTRY & DBM) -> leaf = leaf | W; tlb[_pid] = RW }
    :: atomic { MY_ENTRY == RO_DBM && !(ENTRY & DBM) -> goto write_fault }
#endif
#ifdef BLOCK
    /* between break and make */
    :: atomic { IN_GUEST && MY_ENTRY == NONE && !(ENTRY & VALID) -> goto translation_fault }
#endif
    od;
    goto end;
#ifdef BLOCK
translation_fault:
    atomic { !lock -> refused = !(ENTRY & VALID); assert(!refused); goto next }; /* spurious */
#endif
write_fault:
    atomic { stuck = faulted[_pid]; assert(!stuck); faulted[_pid] = true };
    mark(_pid);
not_logged:
    spurious();
marked:
#ifndef BUG_NO_FLUSH_IN_HANDLER
    atomic { tlb[_pid] = NONE; tag[_pid] = 0; goto next };      /* this CPU's entry */
#endif
    goto next;
end:
    skip
}

/* ---- writers that do not use the guest's stage 2 ---- */
#ifdef BUG_EXT_ENDS_BEFORE_MAPPING
#define MAPPING_GONE true
#else
#define MAPPING_GONE !in_flight[WRITER]         /* the TLBI and its DSB have completed */
#endif
#ifdef EXTERNAL
#ifdef BUG_EXT_STAYS_LOGGED
#define WITH_WRITERS(d) ((d) | EXT | W)
#else
#define WITH_WRITERS(d) ((d) & ~(LOGGED | DBM) | EXT | W)
#endif
#ifdef BUG_EXT_ENDS_CLEAN
#define WITHOUT_WRITERS (logging -> NEW_LEAF : VALID | W)
#else
/* dirty, because the last write may have come just now */
#define WITHOUT_WRITERS ((logging -> NEW_LEAF : VALID) | W)
#endif
inline follow_writers()
{
#ifdef BLOCK
    if
    :: AT_BLOCK && ext_writers && IS_LOGGED(ENTRY) -> dirty_split()
    /* also if there is no memory for a split */
    :: AT_BLOCK && ext_writers -> upper = WITH_WRITERS(upper)
    :: AT_BLOCK && !ext_writers         /* the block's EXT may be another page's */
    :: !AT_BLOCK && ext_writers -> leaf = WITH_WRITERS(leaf)    /* compare and swap */
    :: !AT_BLOCK && !ext_writers -> leaf = WITHOUT_WRITERS
    fi;
#else
    leaf = (ext_writers -> WITH_WRITERS(leaf) : WITHOUT_WRITERS);       /* compare and swap */
#endif
    d_step {
        if
        :: logging -> DIRTY_NOTE
        :: else
        fi;
        lock = false
    }
}
#endif

active proctype Writer()
{
    byte l;
    SEEN_VARIABLE
next:
    do
    :: atomic { paused && !in_flight[WRITER] -> stopped++; break }
    /* another page of the region is marked */
    :: atomic { !paused && logging && !region -> region = true }
#ifdef BLOCK
    /* another page of the block is marked, or unmapped (cut in p2m_map.c) */
    :: atomic { !paused && !lock && AT_BLOCK -> lock = true };
        dirty_split();
        lock = false
#endif
#ifdef EXTERNAL
    /* dirty_ext_writer(+1), then the mapping */
    :: atomic { !paused && !ext_writers && !lock -> ext_writers = true; lock = true };
        follow_writers()
    :: atomic { !paused && ext_writers -> in_flight[WRITER] = true }    /* through the mapping */
    /* dirty_ext_writer(-1) */
    :: atomic { ext_writers && MAPPING_GONE && !lock -> ext_writers = false; lock = true };
        follow_writers()
#else
    :: atomic {
            !paused;
#if defined(BUG_NO_BARRIER_BEFORE_LOGGING)
            in_flight[WRITER] = true
#elif defined(BUG_NO_BARRIER_BEFORE_LEAF)
            if
            :: logging -> in_flight[WRITER] = true
            :: else -> differs = true
            fi
#elif !defined(BUG_MARK_BEFORE_WRITE)
            /* Visible before all that follows: dirty_mark begins with a barrier. */
            differs = true
#endif
        };
        if
        :: atomic { logging -> goto dirty_mark }
        :: else
        fi
#endif
    od;
    goto end;
dirty_mark:
    mark(WRITER);
marked:
not_logged:
#ifdef BUG_MARK_BEFORE_WRITE
    in_flight[WRITER] = true;
#endif
    goto next;
end:
    skip
}

/* ---- on and off: dirty.c ---- */
inline enable_leaf()            /* the release of the lock comes after the store */
{
    if
#ifdef EXTERNAL
    :: (ENTRY & LOGGED) -> lock = false /* added since logging is on: dirty, and noted */
    :: !(ENTRY & LOGGED) && ext_writers && !AT_BLOCK ->
        d_step { STORE_ENTRY(VALID | EXT | W); region = true }
#ifdef BLOCK
    :: !(ENTRY & LOGGED) && ext_writers && AT_BLOCK ->
        d_step { upper = VALID | LOGGED; CLEANED };
        if
        :: dirty_split()
        :: d_step { upper = VALID | EXT | W; region = true }    /* no memory */
        fi;
        lock = false
#endif
    :: d_step {
            !(ENTRY & LOGGED) && !ext_writers ->
            STORE_ENTRY((AT_BLOCK -> VALID | LOGGED : NEW_LEAF))
        }
#else
    :: d_step { true -> STORE_ENTRY((AT_BLOCK -> VALID | LOGGED : NEW_LEAF)) }
#endif
    fi
}

inline dirty_enable()
{
    /* start; the lock is free between the pieces of the map */
    atomic { !lock -> region = false; logging = true };
    atomic { !lock -> lock = true };
    enable_leaf();
#ifndef BUG_ENABLE_WITHOUT_RENEWAL
    vmid_renew()
#endif
}

inline disable_leaf(entry)
{
#ifndef BUG_DISABLE_LEAVES_CLEAN
    entry = entry | W;
#endif
    entry = entry & ~(LOGGED | DBM)
}

inline dirty_disable()
{
    atomic { !lock -> lock = true; logging = false };
#ifdef BLOCK
    if
    :: AT_BLOCK -> disable_leaf(upper)
    :: else ->
        disable_leaf(leaf);
        if
        :: skip                         /* the other leaves do not fit */
        :: upper = 0;                   /* pt_merge: break, flush, make */
            flush_and_make(leaf)
        fi
    fi;
#else
    disable_leaf(leaf);
#endif
    /* The code also renews the VMID here, to avoid spurious faults.  No property depends
     * on that. */
    lock = false
}

/* ---- a round: dirty_harvest.c, migrate/outflow.c ---- */
#ifdef BUG_REGION_WITH_HW
#define HAS_REGIONS true
#else
#define HAS_REGIONS (!HW_DIRTY)
#endif

#define TAKE l = ENTRY          /* take_leaf, take_region: the read */
/* The write is a plain store: while W is set, only the holder of the lock changes the leaf. */
inline clean()
{
    d_step {
        if
        :: IS_DIRTY(l) && (l & LOGGED) -> reported = true; STORE_ENTRY(l & ~W)
#ifdef EXTERNAL
        /* stays dirty; region noted again */
        :: IS_DIRTY(l) && !(l & LOGGED) -> reported = true; lock = false;
#ifndef BUG_EXT_NOT_NOTED
            region = true
#endif
#endif
#ifdef BUG_STORE_TO_A_CLEAN_LEAF
        :: IS_LOGGED(l) && !IS_DIRTY(l) -> STORE_ENTRY(l)
#endif
        :: else -> lock = false
        fi;
        l = 0
    }
}

inline harvest_region()
{
    if
    :: !HAS_REGIONS || region ->        /* dirty_noted, without the lock */
        atomic { !lock -> lock = true };
        if
        :: !HAS_REGIONS -> TAKE
        :: HAS_REGIONS ->
#if defined(BUG_REGION_CLEARED_AFTER_LEAVES)
            TAKE; region = false
#elif defined(BUG_NO_BARRIER_IN_FORGET)
            if
            :: region = false; TAKE
            :: TAKE; region = false
            fi
#else
            region = false; TAKE        /* dirty_forget, with its barrier; then the leaf */
#endif
        fi;
        clean()
    :: else
    fi
}

inline copy()
{
    d_step {
        if
        :: reported -> differs = false; reported = false
        :: else
        fi
    }
}

inline round()
{
    harvest_region();
#ifdef BUG_COPY_BEFORE_ROUND_END
    copy();
#endif
#ifdef BUG_NO_RENEWAL
    WAIT_UNTIL(!IS_LATE);
#else
    vmid_renew();                       /* dirty_round_end */
#endif
    copy()
}

active proctype Daemon()
{
    byte l, left;
    bool reported;
off:
    dirty_enable();
    differs = false;                    /* the first round sends all pages */
    do
    :: round()
#ifdef TOGGLE
    :: dirty_disable(); goto off
#endif
    :: break
    od;
    paused = true;
    WAIT_UNTIL(stopped == GUESTS + 1);
    round();
    lost = differs;
    assert(!lost)
}

active proctype Memory()
{
end:
    do
#ifdef QUIET
    :: d_step { !paused -> paused = true }      /* only the daemon begins anything from now on */
#endif
    :: d_step { in_flight[0] -> in_flight[0] = false; differs = true }
    :: d_step { in_flight[1] -> in_flight[1] = false; differs = true }
    :: d_step { in_flight[WRITER] -> in_flight[WRITER] = false; differs = true }
    :: d_step {
            late_leaf != NOTHING -> leaf = late_leaf; late_leaf = NOTHING; lock = false; CLEANED
        }
#ifdef BLOCK
    :: d_step {
            late_upper != NOTHING -> upper = late_upper; late_upper = NOTHING; lock = false; CLEANED
        }
#endif
    od
}
