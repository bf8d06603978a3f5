/* SPDX-License-Identifier: BSL-1.0
 *
 * A lane in Promela: its owner registers and unregisters with plain stores, its canceller closes it and walks it. The names are those of
 * core/include/cts/protocol/lane.hpp and lane_segments.hpp. Each statement between two labels of a process, and each d_step, is one
 * operation on memory there.
 *
 * The model is sequentially consistent but for store buffers: a store of the owner, and the canceller's store that closes the lane, waits
 * in a buffer until it is drained. So the barrier has work to do, as it has on x86 and SPARC. A barrier drains the buffer of its side;
 * with -DONE_SIDED the owner's side does nothing, and the canceller's side drains both, as membarrier does. The Relacy models (models/lane)
 * check weaker orders.
 *
 * The owner makes OPERATIONS steps, each a registration of the next callback or an unregister of any callback that it has used before,
 * waiting or not. Segments have SLOTS slots; there are three.
 *
 * Spin explores every choice and every interleaving and checks:
 *   L1  at most one operation of the owner is in doubt: what it found the lane open after is seen by the walk (G3, G5)
 *   L2  the fate decides: no refused and no unregistered callback runs, none runs twice (G2, G4, G5)
 *   L3  a slot whose fate is written is never used again
 *   L4  the callbacks run newest first (G9)
 *   G6  no callback runs after a wait for it has returned
 *   G8  a refused registrant finds the flag set
 * and, under weak fairness, that every wait ends. Each -DBROKEN_… builds in a defect, and Spin must then find an error.
 *
 * Not modelled: try_reset (L6), the end of the lane (L5, G13), and callbacks that call their lane.
 */
#ifndef SLOTS
#define SLOTS 1                /* in a segment */
#endif
#ifndef CALLBACKS
#define CALLBACKS 4
#endif
#ifndef OPERATIONS
#define OPERATIONS 6
#endif
#define SEGMENTS 3             /* 0: inside the lane */
#define PLACES (SLOTS * SEGMENTS)
#define NONE 255               /* no callback, no slot, no segment */
#define place(s, i) ((s) * SLOTS + (i))

/* What the owner writes and the canceller reads: the callback in each slot, the links, the ages. */
#define REGISTERED(p) (p)
#define OLDER(s) (PLACES + (s))
#define AGE(s) (PLACES + SEGMENTS + (s))
#define NEWEST (PLACES + 2 * SEGMENTS)
#define WORDS (NEWEST + 1)
byte memory[WORDS];            /* as all threads see it */
byte own[WORDS];               /* as the owner sees it: its stores are in order */
#ifndef BUFFER
#define BUFFER 5
#endif
chan buffer = [BUFFER] of {byte, byte};
#define store(word, value) d_step { nfull(buffer) -> own[word] = value; buffer!word,value }

mtype = {open, closed};
mtype state = open;
bool closing;                  /* the store of `closed` is in the canceller's buffer */
bool flag;

mtype = {undecided, withdrawn, running, done};
mtype fate[PLACES] = undecided;

/* light() and heavy() */
#ifdef ONE_SIDED
#define light() skip
#ifdef BROKEN_NO_HEAVY_BARRIER
#define heavy() (!closing)
#else
#define heavy() (!closing && empty(buffer))
#endif
#else
#ifdef BROKEN_NO_LIGHT_BARRIER
#define light() skip
#else
#define light() empty(buffer)
#endif
#ifdef BROKEN_NO_HEAVY_BARRIER
#define heavy() skip
#else
#define heavy() (!closing)
#endif
#endif

/* Bookkeeping for the checks. */
bool registered[CALLBACKS], refused[CALLBACKS], taken[CALLBACKS], waited[CALLBACKS];
byte began[CALLBACKS], ran[CALLBACKS];
byte ended;

/* ok = whether this side decides the fate of the slot p. A read-modify-write drains the buffer before. */
inline decide_by_owner(p, ok) {
  d_step {
    empty(buffer) ->
    if
    :: fate[p] == undecided -> fate[p] = withdrawn; ok = true
    :: else -> ok = false
    fi
  }
}

/* --- lane_segments: the owner's private words --- */
byte frontier;                 /* a slot of the newest segment: no slot above it is in use */
byte current;                  /* the newest segment */
byte newer[SEGMENTS];          /* of a spare one: the next spare one */
byte live[SEGMENTS];
byte spare = NONE;
byte links, fresh = 1;

/* Puts an empty segment on top. */
inline grow() {
  d_step {
    if
    :: spare != NONE -> s = spare; spare = newer[spare]
    :: spare == NONE && fresh < SEGMENTS -> s = fresh; fresh++
    :: else -> s = NONE
    fi
  };
  if
  :: s == NONE -> at = NONE                                       /* no memory (G15) */
  :: else ->
     d_step {
       live[current] = 0;
       i = 0;
       do
       :: i < SLOTS -> live[current] = live[current] + (own[REGISTERED(place(current, i))] != NONE -> 1 : 0); i++
       :: else -> break
       od;
       i = 0;
       newer[current] = s;
       newer[s] = NONE;
       links++
     };
     store(AGE(s), links);                                        /* lane_age_set */
     store(OLDER(s), current);                                    /* lane_link */
     store(NEWEST, s);
     d_step { current = s; frontier = place(s, 0); at = frontier }
  fi
}
/* at = a slot above all slots in use (L4), or NONE. */
inline claim() {
  at = frontier;
  if
  :: own[REGISTERED(at)] != NONE ->
     if
     :: at + 1 < place(current, SLOTS) -> d_step { at = at + 1; frontier = at }
     :: else -> grow()
     fi
  :: else ->
     d_step {
       do
       :: at > place(current, 0) && own[REGISTERED(at - 1)] == NONE -> at = at - 1
       :: else -> break
       od;
       frontier = at
     }
  fi
}
inline release(p) {
  d_step {
    s = (p) / SLOTS;
    live[s] = live[s] - (s != current -> 1 : 0)
  };
  if
  :: s != current ->
     if
     :: live[s] == 0 ->
        store(OLDER(newer[s]), own[OLDER(s)]);                    /* lane_link */
#ifdef BROKEN_CUT_THE_LINK
        store(OLDER(s), NONE);
#endif
        d_step {
          if
          :: own[OLDER(s)] != NONE -> newer[own[OLDER(s)]] = newer[s]
          :: else
          fi;
          newer[s] = spare;
          spare = s
        }
     :: else
     fi
  :: else
  fi
}

/* --- the owner --- */
byte slot_of[CALLBACKS] = NONE;

inline try_register(c) {
  now = state;                                                    /* lane_state_read */
  if
  :: flag || now == closed -> refused[c] = true; assert(flag)     /* G8 */
  :: else ->
     claim();
     slot_of[c] = at;
     if
     :: at == NONE -> refused[c] = true
     :: else ->
        assert(fate[at] == undecided);                            /* L3 */
        store(REGISTERED(at), c);                                 /* lane_publish */
        light();                                                  /* barrier_light */
#ifdef BROKEN_PUBLISH_WITHOUT_LOOKING
        now = open;
#else
        now = state;                                              /* lane_state_read */
#endif
        if
        :: now == open -> registered[c] = true
        :: else ->
           decide_by_owner(at, ok);                               /* lane_retract */
#ifdef BROKEN_LOSE_ON_FAILED_RETRACT
           ok = true;
#endif
           if
           :: ok -> refused[c] = true; slot_of[c] = NONE; assert(flag)
           :: else -> registered[c] = true
           fi
        fi
     fi
  fi
}

/* result: succeeded (0), too late (1), not registered (2) */
inline withdraw(c) {
  at = slot_of[c];
  if
#ifdef BROKEN_BELIEVE_OLD_SLOT
  :: at == NONE || own[REGISTERED(at)] == NONE -> result = 2
#else
  :: at == NONE || own[REGISTERED(at)] != c -> result = 2         /* lane_peek */
#endif
  :: else ->
     now = state;                                                 /* lane_state_read */
     if
     :: now == closed ->
        decide_by_owner(at, ok);                                  /* lane_unregister */
        result = (ok -> 0 : 1)
     :: else ->
        store(REGISTERED(at), NONE);                              /* lane_withdraw */
        light();                                                  /* barrier_light */
#ifdef BROKEN_WITHDRAW_WITHOUT_LOOKING
        now = open;
#else
        now = state;                                              /* lane_state_read */
#endif
        if
        :: now == open -> release(at); result = 0
        :: else ->
           decide_by_owner(at, ok);                               /* lane_unregister */
           if
           :: ok -> result = 0
           :: else ->
#ifndef BROKEN_FORGET_WHO_RUNS
              store(REGISTERED(at), c);                           /* lane_restore */
#endif
              result = 1
           fi
        fi
     fi
  fi
}

inline unregister(c, waits) {
  withdraw(c);
  if
  :: result == 0 -> taken[c] = true
  :: result == 1 && waits ->
#ifndef BROKEN_NO_WAIT
     (fate[at] != running);                                       /* lane_await */
#endif
     skip
  :: else
  fi;
  if
  :: waits && registered[c] && !taken[c] -> waited[c] = true; assert(began[c] == 1 && ran[c] == 1)   /* G6 */
  :: else
  fi
}

/* Any callback that was used before. */
inline select_callback() {
  atomic {
    c = 0;
    do
    :: c + 1 < next -> c++
    :: break
    od
  }
}

proctype owner() {
  mtype now = open;
  byte next, n, at = NONE, s, i, c, result;
  bool ok;
  do
  :: n < OPERATIONS ->
     n++;
     if
     :: next < CALLBACKS -> try_register(next); next++
     :: next > 0 ->
        select_callback();
        unregister(c, false)
     :: next > 0 ->
        select_callback();
        unregister(c, true)
     fi;
     d_step { now = open; at = NONE; s = 0; c = 0; result = 0; ok = false }
  :: break
  od;
  ended++
}
/* Drains the buffers, when it likes. */
proctype memory_system() {
  byte word, value;
end:
  do
  :: d_step { nempty(buffer) -> buffer?word,value; memory[word] = value; word = 0; value = 0 }
  :: d_step { closing -> state = closed; closing = false }
  od
}

/* --- the canceller: close_and_run --- */
proctype canceller() {
  byte s, n, p, found, linked, age = 254, last = CALLBACKS;
  bool ok;
  flag = true;
#ifndef BROKEN_NEVER_CLOSES
  closing = true;                                                 /* lane_state_set */
#endif
  heavy();                                                        /* barrier_heavy */
  s = memory[NEWEST];                                             /* lane_walk */
  do
  :: s == NONE -> break
  :: else ->
     n = 0;
     do
     :: n == SLOTS -> break
     :: else ->
#ifdef BROKEN_SCAN_OLDEST_FIRST
        p = place(s, n);
#else
        p = place(s, SLOTS - 1 - n);
#endif
        n++;
        found = memory[REGISTERED(p)];                            /* lane_scan */
        if
        :: found == NONE
        :: else ->
           linked = memory[AGE(s)];                               /* lane_age_read */
           if
#ifndef BROKEN_RUN_WHAT_MOVED
           :: linked > age                                        /* linked behind the walk's back */
#endif
           :: else ->
              age = linked;
#ifdef BROKEN_RUN_WITHOUT_DECIDING
              ok = true;
              fate[p] = running;
#else
              d_step {                                            /* lane_take */
                !closing ->
                if
                :: fate[p] == undecided -> fate[p] = running; ok = true
                :: else -> ok = false
                fi
              };
#endif
              if
              :: ok ->
                 d_step {
                   assert(!taken[found] && !refused[found] && !waited[found]);   /* L2, G6 */
                   assert(began[found] == 0);
                   assert(found < last);                          /* L4: callbacks are registered in the order of their numbers */
                   last = found;
                   began[found]++
                 };
                 ran[found]++;
                 fate[p] = done                                   /* lane_done */
              :: else
              fi
           fi
        fi
     od;
     s = memory[OLDER(s)]                                         /* lane_walk */
  od;
  ended++
}

init {
  byte k;
  atomic {
    k = 0;
    do
    :: k < WORDS -> memory[k] = NONE; own[k] = NONE; k++
    :: else -> break
    od;
    memory[AGE(0)] = 0;
    own[AGE(0)] = 0;
    memory[NEWEST] = 0;
    own[NEWEST] = 0;
    k = 0;
    do
    :: k < SEGMENTS -> newer[k] = NONE; k++
    :: else -> break
    od;
    k = 0;
    run memory_system();
    run owner();
    run canceller()
  }
  (ended == 2);
  atomic {
    do
    :: k < CALLBACKS ->
       assert(!(registered[k] && refused[k]));
       assert(ran[k] == ((registered[k] && !taken[k]) -> 1 : 0)); /* L1, L2 */
       k++
    :: else -> break
    od
  }
}

ltl ends { <> (ended == 2) }
