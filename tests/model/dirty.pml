/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty log's protocol, for Spin: what the head of xen-lite/stage2/dirty.c argues, searched through.  Theory of operation:
 *
 * One page of a guest, everybody who writes it, and the daemon that copies it, for any number of writes and of rounds.  Spin tries all
 * orders of the steps below (a step is one statement, or one d_step or atomic block) and looks for one that breaks
 *
 *   !lost      after the last round the daemon's copy is the page
 *   !refused   a store to a page that is writable by right never becomes an abort
 *   !stuck     a store that has faulted faults again only if the leaf was cleaned since
 *
 * or that ends with somebody waiting for ever.  The page is one bit: every write is taken to bring a new value, so what matters is whether the
 * page differs from the copy.  (The bit stands for one word of the page: copying a page is not one step, copying a word is.)
 *
 *   process     what it is                                                     the code that it follows
 *   Guest (2)   a CPU with the guest: walks, stores, write faults;             entry.S; dirty_fault, mark: dirty_mark.c;
 *               or with another domain                                         spurious: p2m_fault.c; vmid_enter: vmid.c
 *   Writer      a third CPU that writes past the guest's stage 2: the          copy_piece: guest_mem.c; dirty_mark: dirty_mark.c;
 *               hypervisor, or (EXTERNAL) a domain that maps the page          dirty_ext_writer
 *   Daemon      enables, harvests, ends the round, copies, disables;           dirty.c, dirty_harvest.c; vmid_renew: vmid.c;
 *               pauses the guest and has a last round                          migrate/source.c, outflow.c
 *   Memory      makes stores visible, some time after they were executed
 *
 * Variants, by -D:  HW        the CPU sets W where DBM says so; harvest does not ask the region
 *                   BLOCK     the page begins in a 2 MiB block: splits (with or without memory for it), merges when logging ends
 *                   TOGGLE    logging goes off and on again, at any time
 *                   EXTERNAL  Writer is another domain with a mapping that comes and goes
 *                   QUIET     guest and Writer may stop for good at any time: who waits in vain is not hidden by others who go on
 * and BUG_...: one thing done wrong; the search has to find what comes of it.  `run` has the list of all.
 *
 * Memory order.  On Arm a store becomes visible late, and a load may be satisfied early.  That is modelled where the code has a barrier
 * against it:
 *   - a store to the page waits in `in_flight` until Memory makes it visible; barriers wait for it;
 *   - the daemon's plain store to an entry waits in `late_leaf` or `late_upper`, with the release of the lock behind it;
 *   - the marker's look at the region's bit, and the harvest's at the leaf, may come before the atomic step that they follow in the
 *     program, where the barrier between is taken out.
 * Atomic steps on an entry or on the region's bit are seen by all at once.
 *
 * TLBs.  A CPU has an entry for the page or none.  It walks at any time (speculation), also anew over an entry that it has; an entry is then
 * used without a look at the tables.  An entry under another number than the loaded one matches nothing.  (So one entry a CPU will do, and two
 * numbers: one that is handed out again has been flushed before, by the generation that opens.)
 *
 * Left out: pages but one (what others do to the region's bit and to the block Writer does), harvests of part of a region and those
 * that only look; pages that are mapped, or first written by the domain's builder, and so begin dirty; failing allocations but that
 * of a split; how vmid.c finds a number (a generation's flush stands for all of it).
 * A walk is one step, as is an access through the window: who unlinks a table waits for both (pt_write's flush, vlpt_forget).  A fault
 * looks once without the lock, once with it, then takes spurious(); the code looks up to three times before that.
 */

/* ---- the tables ---- */
#define W       1               /* S2AP[1] */
#define LOGGED  2
#define DBM     4
#define EXT     8               /* in place of LOGGED: dirty in every round */
#define VALID   16
#define TABLE   32              /* of `upper`: a table, which holds `leaf` */

byte leaf = VALID | W;          /* level 3, the page's */
#ifdef BLOCK
#ifdef EXTERNAL
byte upper = VALID | W | EXT;   /* level 2: a block (EXT: of writers that are gone), a table, or nothing: between break and make */
#else
byte upper = VALID | W;
#endif
#define AT_BLOCK (!(upper & TABLE))
#define ENTRY (AT_BLOCK -> upper : leaf)        /* what a walk finds */
#define IN_WINDOW (AT_BLOCK -> 0 : leaf)        /* what vlpt_leaf finds: leaves alone */
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
bool ext_writers;               /* of struct page: one is enough here, and it is Writer */

/* ---- CPUs and TLBs ---- */
#define GUESTS  2               /* CPUs 0 and 1: the processes' numbers */
#define WRITER  2
#define NONE    0
#define RO      1
#define RO_DBM  2               /* clean, and the CPU may change that by itself */
#define RW      3

byte vmid = 1;                  /* the domain's number: 1, 2, or 0: none */
byte loaded[GUESTS] = 1;        /* the number in this CPU's VTTBR_EL2 (`active` in vmid.c); 0: another domain's */
byte tlb[GUESTS], tag[GUESTS];  /* an entry, and the number it is under */
#define ACCESS(d) ((d) & W -> RW : ((d) & DBM -> RO_DBM : RO))

/* ---- the page ---- */
bool differs;                   /* from the daemon's copy */
bool in_flight[GUESTS + 1];     /* a store of this CPU is not visible yet */
bool paused;                    /* CPUs 0 to 2 finish what they are at, and begin nothing */
byte stopped;                   /* how many of CPUs 0 to 2 do nothing more */

/* ---- what must not be ---- */
bool lost, refused, stuck;
bool faulted[GUESTS];           /* this CPU's store has faulted, and nobody has cleaned the leaf since */
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
/* The flush between break and make is one step with the make: nobody can make an entry meanwhile, and what is in flight does not matter here. */
#ifdef BLOCK
inline flush_and_make(desc) { d_step { DROP_ENTRY(0); DROP_ENTRY(1); upper = desc } }
#endif

/* ---- marking: dirty_mark.c ---- */
/*
 * The region's bit.  dirty_note looks whether it is set, and sets it if it is not: one step here, since all that matters is that the look comes
 * after the leaf, as the full barrier says.  Without the barrier the look may have been before the leaf.
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

/* dirty_split: fill, break, flush, link; then what a leaf has of its own, and others may be marking it by now. */
#ifdef BLOCK
#define SPLIT_LEAF(d) (ext_writers -> VALID | EXT | W : ((d) & LOGGED -> (d) | NEW_LEAF : (((d) & EXT) && logging -> NEW_LEAF | W : (d) & ~EXT)))
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
#define SET_W if :: AT_BLOCK -> upper = upper | W :: else -> leaf = leaf | W fi         /* fetch_or */
#define MAYBE_SPLIT if :: AT_BLOCK -> dirty_split() :: skip fi;         /* without memory for it the block becomes dirty as a whole */
#else
#define SET_W leaf = leaf | W
#define MAYBE_SPLIT
#endif

/*
 * A release waits for this CPU's stores.  The guest's handler is not made to wait: nothing rests on it.
 *
 * mark and mark_locked end by a jump to the caller's label `marked`, or `not_logged`.  Taking the lock is one step with the first thing done
 * under it, letting it go with the last: nothing that matters fits between.
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
    atomic {                            /* mark_in_window, or entry.S: without the lock */
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
/* The number that no CPU has; of its last use nothing is left, unless it is handed out without a new generation's flush. */
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
    :: atomic { paused && !in_flight[_pid] -> loaded[_pid] = 0; stopped++; break }      /* idle: vmid_idle when it is told */
    :: atomic { !paused && loaded[_pid] == 0 -> vmid_enter(_pid) }
    :: atomic { IN_GUEST && LEAVES_CLEANLY -> loaded[_pid] = 0 }        /* another domain's turn */
    :: atomic { IN_GUEST && loaded[_pid] != vmid && LEAVES_CLEANLY -> vmid_enter(_pid) }        /* WORK_VMID */
    :: atomic { IN_GUEST && (ENTRY & VALID) -> tlb[_pid] = ACCESS(ENTRY); tag[_pid] = loaded[_pid] }            /* a walk */
    :: atomic { MY_ENTRY == RW -> in_flight[_pid] = true; faulted[_pid] = false }                               /* a store */
    :: atomic { MY_ENTRY == RO -> goto write_fault }
#ifdef HW
    :: atomic { MY_ENTRY == RO_DBM && (ENTRY & DBM) -> leaf = leaf | W; tlb[_pid] = RW }        /* the CPU's own atomic step */
    :: atomic { MY_ENTRY == RO_DBM && !(ENTRY & DBM) -> goto write_fault }
#endif
#ifdef BLOCK
    :: atomic { IN_GUEST && MY_ENTRY == NONE && !(ENTRY & VALID) -> goto translation_fault }    /* between break and make */
#endif
    od;
    goto end;
#ifdef BLOCK
translation_fault:
    atomic { !lock -> refused = !(ENTRY & VALID); assert(!refused); goto next };        /* spurious */
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

/* ---- who writes past the guest's stage 2 ---- */
#ifdef BUG_EXT_ENDS_BEFORE_MAPPING
#define MAPPING_GONE true
#else
#define MAPPING_GONE !in_flight[WRITER]         /* by a TLBI and its DSB */
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
#define WITHOUT_WRITERS ((logging -> NEW_LEAF : VALID) | W)     /* dirty: the last write was perhaps just now */
#endif
inline follow_writers()
{
#ifdef BLOCK
    if
    :: AT_BLOCK && ext_writers && IS_LOGGED(ENTRY) -> dirty_split()
    :: AT_BLOCK && ext_writers -> upper = WITH_WRITERS(upper)   /* also without memory to split it */
    :: AT_BLOCK && !ext_writers         /* of another page, perhaps */
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
    :: atomic { !paused && logging && !region -> region = true }        /* another page of the region is marked */
#ifdef BLOCK
    :: atomic { !paused && !lock && AT_BLOCK -> lock = true };  /* another page of the block is marked, or unmapped (p2m_map.c's cut) */
        dirty_split();
        lock = false
#endif
#ifdef EXTERNAL
    :: atomic { !paused && !ext_writers && !lock -> ext_writers = true; lock = true };  /* dirty_ext_writer(+1), then the mapping */
        follow_writers()
    :: atomic { !paused && ext_writers -> in_flight[WRITER] = true }    /* through the mapping */
    :: atomic { ext_writers && MAPPING_GONE && !lock -> ext_writers = false; lock = true };     /* dirty_ext_writer(-1) */
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
            differs = true              /* visible before anything else is done: dirty_mark begins with a barrier */
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
inline enable_leaf()            /* the release of the lock is behind the store */
{
    if
#ifdef EXTERNAL
    :: (ENTRY & LOGGED) -> lock = false /* new since logging is on: dirty, and noted */
    :: !(ENTRY & LOGGED) && ext_writers && !AT_BLOCK -> d_step { STORE_ENTRY(VALID | EXT | W); region = true }
#ifdef BLOCK
    :: !(ENTRY & LOGGED) && ext_writers && AT_BLOCK ->
        d_step { upper = VALID | LOGGED; CLEANED };
        if
        :: dirty_split()
        :: d_step { upper = VALID | EXT | W; region = true }    /* no memory */
        fi;
        lock = false
#endif
    :: d_step { !(ENTRY & LOGGED) && !ext_writers -> STORE_ENTRY((AT_BLOCK -> VALID | LOGGED : NEW_LEAF)) }
#else
    :: d_step { true -> STORE_ENTRY((AT_BLOCK -> VALID | LOGGED : NEW_LEAF)) }
#endif
    fi
}

inline dirty_enable()
{
    atomic { !lock -> region = false; logging = true };         /* start; the lock is free between pieces of the map */
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
    lock = false        /* the code renews the VMID here, too, to spare spurious faults: nothing rests on that */
}

/* ---- a round: dirty_harvest.c, migrate/outflow.c ---- */
#ifdef BUG_REGION_WITH_HW
#define HAS_REGIONS true
#else
#define HAS_REGIONS (!HW_DIRTY)
#endif

#define TAKE l = ENTRY          /* take_leaf, take_region: read, */
inline clean()                  /* and write by a plain store: whoever has the lock and has seen W set is alone */
{
    d_step {
        if
        :: IS_DIRTY(l) && (l & LOGGED) -> reported = true; STORE_ENTRY(l & ~W)
#ifdef EXTERNAL
        :: IS_DIRTY(l) && !(l & LOGGED) -> reported = true; lock = false;       /* stays dirty; the region is noted again */
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
    :: d_step { !paused -> paused = true }      /* nobody begins anything more, but the daemon */
#endif
    :: d_step { in_flight[0] -> in_flight[0] = false; differs = true }
    :: d_step { in_flight[1] -> in_flight[1] = false; differs = true }
    :: d_step { in_flight[WRITER] -> in_flight[WRITER] = false; differs = true }
    :: d_step { late_leaf != NOTHING -> leaf = late_leaf; late_leaf = NOTHING; lock = false; CLEANED }
#ifdef BLOCK
    :: d_step { late_upper != NOTHING -> upper = late_upper; late_upper = NOTHING; lock = false; CLEANED }
#endif
    od
}
