/* SPDX-License-Identifier: BSL-1.0
 *
 * The stack of segments in Promela: a full stack grows, or an empty segment is taken out from below and pushed on top, beside a
 * canceller that walks it. The names are those of core/include/cts/core/segment_stack.hpp, recycling.hpp and segment.hpp. The model is
 * sequentially consistent; the Relacy models (models/registry) check weaker orders. Each statement between two labels of a process, and
 * each d_step, is one atomic operation there.
 *
 * Segments have one slot. The stack begins with three: the top one is full, those below are empty, so two registrants can move neighbours
 * at the same time, beside a canceller. With -DGROWS one more segment can be allocated; with -DOWNER the registration in the top segment
 * is unregistered meanwhile; with -DMORE the first registrant unregisters its callback and registers another one.
 *
 * With -DLOOKS or -DTOP_MOVES a canceller stands on a segment that moves, while others move, too, and a registrant is late. Both begin in
 * the middle of these moves, with a stack of six segments or five.
 *
 * Spin explores every interleaving and checks:
 *   G2, G3  each registration is visited once: a callback that stays registered runs, and runs once (I5)
 *   G4, G5  no refused and no unregistered callback runs
 *   G9      the callbacks of a registrant run newest first, and the first registration of all runs last (I6)
 *   G14     no segment is lost: in the end each is in the stack once, without a mark, its generation unsealed
 *   I4      only the thread that sealed a generation opens the next one
 *   I7      after cancel nothing is registered, and a canceller that is led back to the top takes nothing that came too late
 * Each -DBROKEN_… builds in a defect, and Spin must then find an error.
 *
 * Not modelled: segments of several slots (registry.pml has these), slabs, and the limits of a sweep: a registrant looks at the whole
 * stack each time.
 */
#if defined(LOOKS)
#define SEGMENTS 6
#define BEGIN 6
#elif defined(TOP_MOVES)
#define SEGMENTS 5
#define BEGIN 5
#elif defined(GROWS)
#define SEGMENTS 4             /* 0: inside the registry; 3: not allocated yet */
#define BEGIN 3
#else
#define SEGMENTS 3
#define BEGIN 3
#endif
#ifdef MORE
#define HAS_SECOND 1
#else
#define HAS_SECOND 0
#endif
#ifndef MOST_CLAIMS
#define MOST_CLAIMS 1          /* attempts to make room, before a registration only allocates */
#endif
#define CALLBACKS 4            /* 0: registered from the beginning; 1, 2: of the first registrant, in this order; 3: of the second one */

/* The word of a slot, as in registry.pml. */
#define LIVE(c) (100 + (c))
#define RUNNING(c) (200 + (c))
#define DONE 250
#define is_dead(w) ((w) < 100)
#define is_unused(w, g) (is_dead(w) && (w) < (g))
#define SEAL 64                /* added to a generation */
#define is_sealed(g) ((g) >= SEAL)
/* A link is the number of a segment. */
#define NONE 7
#define MARK 8                 /* added to older */
#define CLOSED 16              /* added to top */
#define LATE 32                /* added to older */
#define is_late(link) ((link) & LATE)
#define segment_of(link) ((link) & 7)

byte slot[SEGMENTS], gen[SEGMENTS], older[SEGMENTS];
byte top, hand = NONE;
bool allocated, flag;

/* Bookkeeping for the checks. */
byte ran[CALLBACKS], order[CALLBACKS], running;
bool registered[CALLBACKS], refused[CALLBACKS], failed[CALLBACKS], taken[CALLBACKS];
byte mine[CALLBACKS], born[CALLBACKS];
byte sealer[SEGMENTS];         /* the process that has sealed the generation; 0: none */
byte ended;

/* ok = compare-and-swap(word, expected, desired) */
#define CAS(word, seen, now, ok) \
  d_step { \
    if \
    :: word == (seen) -> word = (now); ok = true \
    :: else -> ok = false \
    fi \
  }

/* Seals generation g of segment s if its slot is dead. ok: whether it did. */
inline claim(s, g) {
  ok = is_dead(slot[s]);                                          /* slot_peek */
  if
  :: ok ->
     d_step {                                                     /* gen_seal */
       if
       :: gen[s] == g -> gen[s] = g + SEAL; assert(sealer[s] == 0); sealer[s] = _pid
       :: else -> ok = false
       fi
     };
     if
     :: ok ->
        ok = is_dead(slot[s]);                                    /* slot_verify */
        if
        :: !ok -> unseal(s)
        :: else
        fi
     :: else
     fi
  :: else
  fi
}
inline unseal(s) {
#ifndef BROKEN_NEVER_UNSEAL
  d_step { assert(sealer[s] == _pid); sealer[s] = 0; gen[s] = gen[s] - SEAL }   /* gen_unseal */
#endif
  skip
}
inline open(s, g) {
  d_step {
    assert(sealer[s] == _pid);                                    /* I4 */
    sealer[s] = 0;
    gen[s] = g + 1                                                /* gen_open */
  }
}

/* Takes the claimed segment s out from below the segment above and puts it on top. moved: whether it did. */
inline move_to_top(above, s, g) {
#ifdef BROKEN_UNLINK_WITHOUT_MARK
  below = older[s];
#else
  d_step { below = older[s]; older[s] = older[s] | MARK };        /* older_mark */
#endif
  CAS(older[above], s, segment_of(below), moved);                 /* older_unlink */
  if
  :: !moved ->
#ifndef BROKEN_UNLINK_WITHOUT_MARK
     older[s] = older[s] & 7;                                     /* older_unmark */
#endif
     unseal(s)
  :: else ->
#ifdef BROKEN_OPEN_BEFORE_PUSH
     open(s, g);
#endif
     do                                                           /* push_marked */
     :: over = top;
#ifdef BROKEN_NEVER_LATE
        older[s] = segment_of(over) | MARK;
#else
        older[s] = segment_of(over) | MARK | LATE;                /* older_link */
#endif
#ifdef BROKEN_PUSH_REOPENS
        CAS(top, over, s, ok);
#else
        CAS(top, over, s | (over & CLOSED), ok);                  /* top_push */
#endif
        if
        :: ok -> break
        :: else
        fi
     od;
     older[s] = older[s] & (over >= CLOSED -> LATE + 7 : 7);      /* older_unmark */
#ifndef BROKEN_OPEN_BEFORE_PUSH
     open(s, g);
#endif
     skip
  fi
}

/* moved: whether an empty segment came to the top. */
inline sweep() {
  moved = false;
  do
  :: start = hand;                                                /* hand_find */
     if
     :: start == NONE -> above = segment_of(top)                  /* top_find */
     :: else -> above = start
     fi;
     do
     :: s = segment_of(older[above]);                             /* older_walk */
        if
        :: s == NONE -> break
        :: else
        fi;
        g = gen[s];
        if
        :: is_sealed(g)
        :: else ->
           claim(s, g);
           if
           :: ok -> move_to_top(above, s, g)
           :: else
           fi
        fi;
        if
        :: moved -> hand = above; break                           /* hand_keep */
        :: else -> above = s
        fi
     od;
     if
     :: moved -> break
     :: else -> hand = NONE
     fi;
     if
     :: start == NONE -> break
     :: else
     fi
  od
}

/* From slot_publish on; leaves the enclosing loop unless the registrant has to try again. */
inline publish(c) {
  CAS(slot[t], over, LIVE(c), ok);                                /* slot_publish */
  if
  :: !ok                                                          /* another registrant took the slot */
  :: else ->
     d_step { mine[c] = t; born[c] = g };
     s = gen[t];                                                  /* gen_recheck */
     over = top;                                                  /* top_recheck */
     if
     :: s == g && (over == t || over < CLOSED) -> registered[c] = true; break
     :: else ->
        CAS(slot[t], LIVE(c), (is_sealed(s) -> s - SEAL + 1 : s), ok);   /* slot_retract */
        if
        :: !ok -> registered[c] = true; break                     /* the canceller has it */
        :: ok && over >= CLOSED -> refused[c] = true; flag = true; break
        :: ok && over < CLOSED
        fi
     fi
  fi
}
inline try_register(c) {
  claims = 0;
  do
  :: t = top;                                                     /* top_find */
     if
     :: t >= CLOSED -> refused[c] = true; flag = true; break
     :: else
     fi;
     g = gen[t];                                                  /* gen_find */
     over = slot[t];                                              /* slot_peek */
     if
     :: !is_sealed(g) && is_unused(over, g) ->
        publish(c)
     :: else ->                                                   /* make_room */
        ok = false;
        moved = false;
        if
        :: claims < MOST_CLAIMS && !is_sealed(g) -> claim(t, g)
        :: else
        fi;
        if
        :: ok -> open(t, g)                                       /* restarted in place */
        :: else ->
           if
           :: claims < MOST_CLAIMS -> sweep()
           :: else
           fi;
           if
           :: moved
           :: else ->
              d_step { ok = SEGMENTS > BEGIN && !allocated; allocated = allocated || ok };
              if
              :: ok ->
                 older[SEGMENTS - 1] = t;
                 CAS(top, t, SEGMENTS - 1, ok);                   /* top_push */
                 if
                 :: ok
                 :: else -> allocated = false
                 fi
              :: else -> failed[c] = true; break                  /* no memory (G15) */
              fi
           fi
        fi;
        claims++
     fi
  od;
  t = 0;
  d_step { claims = 0; g = 0; s = 0; over = 0; above = 0; start = 0; below = 0; ok = false; moved = false }
}

inline unregister(c) {
  if
  :: registered[c] ->
     d_step {                                                     /* slot_unregister */
       if
       :: slot[mine[c]] == LIVE(c) -> slot[mine[c]] = born[c]; taken[c] = true
       :: else
       fi
     }
  :: else
  fi
}

proctype first() {
  byte t, g, s, over, above, start, below, claims;
  bool ok, moved;
  try_register(1);
#ifdef MORE
  unregister(1);
  try_register(2);
#endif
  ended++
}
proctype second() {
  byte t, g, s, over, above, start, below, claims;
  bool ok, moved;
  try_register(3);
  ended++
}
proctype owner() {
#ifdef OWNER
  unregister(0);
#endif
  ended++
}

/* Of LOOKS and TOP_MOVES: a thread that moves s from below above, one that has just pushed s on an open stack, and a registrant that
 * has read top before cancel and begins to look at that segment now. */
proctype mover(byte above; byte s) {
  byte g, over, below;
  bool ok, moved;
  g = gen[s];
  claim(s, g);
  if
  :: ok -> move_to_top(above, s, g)
  :: else
  fi;
  ended++
}
proctype pusher(byte s) {
  older[s] = older[s] & 7;                                        /* older_unmark */
  open(s, gen[s] - SEAL);
  ended++
}
proctype late(byte t) {
  byte g, s, over;
  bool ok;
  g = gen[t];                                                     /* gen_find */
  over = slot[t];                                                 /* slot_peek */
  do
  :: !is_sealed(g) && is_unused(over, g) -> publish(2); refused[2] = true; break
  :: else -> refused[2] = true; break
  od;
  ended++
}

/* Where a walk goes on that stands on s, whose link w is late. */
inline first_not_late(f) {
  f = segment_of(top);                                            /* top_find */
  do
  :: is_late(older[f]) -> f = segment_of(older[f])                /* older_walk */
  :: else -> break
  od
}
inline behind_late_link() {
  do
  :: first_not_late(head);
     last = NONE;
     found = false;
     t = head;
     do
     :: last = (slot[t] >= 200 -> t : last);                      /* slot_peek */
        found = found || t == s;
        t = segment_of(older[t]);                                 /* older_walk */
        if
        :: t == NONE || t == head -> break
        :: else
        fi
     od;
     if
#ifndef BROKEN_LOOK_ONCE
     :: t != NONE                                                 /* led back again */
#endif
     :: else ->
#ifndef BROKEN_FIRST_MAY_MOVE
        first_not_late(t);
#else
        t = head;
#endif
        if
        :: t == head -> break
        :: else                                                   /* it has moved */
        fi
     fi
  od;
  if
  :: found -> s = segment_of(w)
  :: !found && last != NONE -> s = segment_of(older[last])
  :: else -> s = head
  fi;
  d_step { head = 0; last = 0; t = 0; found = false }
}

proctype canceller() {
  byte s, w, c, head, last, t;
  bool ok, begun, found;
  d_step { s = top; top = top | CLOSED };                         /* top_close */
  flag = true;
  do
  :: w = slot[s];                                                 /* slot_scan */
     if
     :: w >= 100 && w < 200 ->
        c = w - 100;
        CAS(slot[s], w, RUNNING(c), ok);                          /* slot_take */
        if
        :: ok ->
           d_step {
             assert(!taken[c] && ran[c] == 0);                    /* G2, G5 */
             running++;
             order[c] = running;
             ran[c]++
           };
           slot[s] = DONE                                         /* slot_done */
        :: else
        fi
     :: else
     fi;
     w = older[s];                                                /* older_walk */
     if
#ifndef BROKEN_FOLLOW_LATE_LINK
     :: is_late(w) && begun -> behind_late_link()
#endif
     :: else ->
        s = segment_of(w);
        if
        :: !is_late(w) -> begun = true
        :: else
        fi
     fi;
     if
     :: s == NONE -> break
     :: else
     fi
  od;
  ended++
}

init {
  byte s, n, c, seen;
  atomic {
    older[0] = NONE;
    s = 0;
    do
    :: s < SEGMENTS -> gen[s] = 1; slot[s] = (s < BEGIN -> 1 : 0); s++
    :: else -> break
    od;
    s = 1;
    do
    :: s < BEGIN -> older[s] = s - 1; s++
    :: else -> break
    od;
    top = BEGIN - 1;
    born[0] = 1;
    registered[0] = true;
#if defined(LOOKS)
    slot[2] = LIVE(0);
    mine[0] = 2;
    gen[3] = 2;
    slot[5] = LIVE(1);
    mine[1] = 5;
    born[1] = 1;
    registered[1] = true;
    run mover(2, 1);
    run mover(5, 4);
    run late(3);
    run canceller()
#elif defined(TOP_MOVES)
    slot[1] = LIVE(0);
    mine[0] = 1;
    gen[4] = 1 + SEAL;
    older[4] = 3 | MARK | LATE;
    failed[1] = true;                                             /* there is none */
    sealer[4] = run pusher(4);
    run mover(1, 0);
    run mover(3, 2);
    run mover(4, 3);
    run late(4);
    run canceller()
#else
    slot[top] = LIVE(0);
    mine[0] = top;
    run first();
    run second();
    run owner();
    run canceller()
#endif
  }
#ifdef TOP_MOVES
  (ended == 6);
#else
  (ended == 4);
#endif
  atomic {
    assert(flag && top >= CLOSED);                                /* I7 */
    c = 0;
    do
    :: c < CALLBACKS ->
#if defined(LOOKS) || defined(TOP_MOVES)
       assert(registered[c] + refused[c] + failed[c] == (c < 3 -> 1 : 0));
#else
       assert(registered[c] + refused[c] + failed[c] == (c == 2 -> HAS_SECOND : 1));
#endif
       assert(ran[c] == ((registered[c] && !taken[c]) -> 1 : 0)); /* G2, G3, G4, G5 */
       c++
    :: else -> break
    od;
#ifndef LOOKS
    assert(!(ran[1] == 1 && ran[2] == 1) || order[2] < order[1]); /* G9 */
#endif
    assert(ran[0] == 0 || order[0] == running);
    /* G14: each segment is in the stack once. */
    s = segment_of(top);
    do
    :: s != NONE ->
       assert(n < SEGMENTS);
       assert(!(seen & (1 << s)));
       seen = seen | (1 << s);
       assert(!(older[s] & MARK));
       assert(!is_sealed(gen[s]) && sealer[s] == 0);
       assert(is_dead(slot[s]) || slot[s] == DONE);
       n++;
       s = segment_of(older[s])
    :: else -> break
    od;
    assert(n == (allocated -> SEGMENTS : BEGIN))
  }
}

ltl ends { <> (ended == 4) }
