/* SPDX-License-Identifier: BSL-1.0
 *
 * The registry's protocol in Promela: slots, generations, sealing and reopening a segment, growth, cancel, a waiting unregister,
 * and dispose at the end. The model is sequentially consistent; the Relacy models (models/registry) check weaker orders. The names
 * are those of core/include/cts/core/. Each statement between two labels of a process is one atomic operation there.
 *
 * Spin explores every interleaving and checks:
 *   G2   no callback runs twice
 *   G3   no registered callback is lost
 *   G4   no refused callback runs
 *   G5   no unregistered callback runs
 *   G6   no callback runs after a wait for it has returned
 *   G9   the callbacks of a registrant run newest first
 *   G12  no registration is left at dispose
 *   and, under weak fairness, every process ends, and so does every wait.
 * Each -DBROKEN_… builds in a defect, and Spin must then find an error.
 *
 * Not modelled: an empty segment that moves from further down to the top (core/recycling.hpp), stripes, and callbacks that call their
 * registry. The Relacy models have these.
 */
#ifndef SLOTS
#define SLOTS 2                /* in a segment */
#endif
#define SEGMENTS 2             /* one inside the registry, one allocated */
#define CALLBACKS 4            /* 0 to 2: the first registrant, in this order; 3: the second one */

/* The word of a slot. dead(generation) is the generation itself; live, running and done are greater than any generation. */
#define LIVE(c) (100 + (c))
#define RUNNING(c) (200 + (c))
#define DONE 250
#define is_dead(w) ((w) < 100)
#define is_unused(w, g) (is_dead(w) && (w) < (g))
#define SEAL 64                /* added to a generation */
#define is_sealed(g) ((g) >= SEAL)
#define CLOSED 8               /* added to top */

byte slot[SLOTS * SEGMENTS];
byte gen[SEGMENTS];
byte top;                      /* index of the top segment, and CLOSED */
byte older[SEGMENTS];          /* 255: none */
bool allocated;                /* segment 1 */
bool flag;                     /* what pollers read */

/* Bookkeeping for the checks. */
byte ran[CALLBACKS], began[CALLBACKS], order[CALLBACKS], running;
bool registered[CALLBACKS], refused[CALLBACKS], taken[CALLBACKS], waited[CALLBACKS];
byte ended;

#define at(s, i) slot[(s) * SLOTS + (i)]

/* ok = compare-and-swap(word, expected, desired) */
#define CAS(word, seen, now, ok) \
  d_step { \
    if \
    :: word == (seen) -> word = (now); ok = true \
    :: else -> ok = false \
    fi \
  }

/* Claims segment s in generation g if all its slots are dead, and opens the next generation. ok: whether it did. */
inline restart(s, g, i, ok) {
  ok = !is_sealed(g);
  i = 0;
  do
  :: i < SLOTS && ok -> ok = is_dead(at(s, i)); i++
  :: else -> break
  od;
  if
  :: ok -> CAS(gen[s], g, (g) + SEAL, ok)
  :: else
  fi;
  if
  :: ok ->
#ifndef BROKEN_NO_VERIFY
     i = 0;
     do
     :: i < SLOTS && ok -> ok = is_dead(at(s, i)); i++
     :: else -> break
     od;
#endif
     if
#ifdef BROKEN_RESET_WITHOUT_GENERATION
     :: ok -> gen[s] = g
#else
     :: ok -> gen[s] = (g) + 1
#endif
     :: else -> gen[s] = g      /* unseal */
     fi
  :: else
  fi
}

inline try_register(c) {
  do
  :: t = top;
     if
     :: t >= CLOSED -> refused[c] = true; flag = true; break      /* help() */
     :: else
     fi;
     g = gen[t];
     where = 255;
     if
     :: is_sealed(g)
     :: else ->
        i = 0;
        do
        :: i < SLOTS ->
           seen = at(t, i);
           if
           :: is_unused(seen, g) -> where = i; break
           :: else -> i++
           fi
        :: else -> break
        od;
        if                                                        /* takes the slot just below the frontier if it died in this generation */
        :: where != 255 && where > 0 && at(t, where - 1) == g ->
           if                                                     /* if the next one is dead, too, all may be */
           :: where > 1 && at(t, where - 2) == g -> restart(t, g, i, ok)
           :: else -> ok = false
           fi;
           if
           :: ok -> where = 254                                   /* start over */
           :: else -> where = where - 1; seen = g
           fi
        :: else
        fi
     fi;
     if
     :: where == 254
     :: where < 254 ->
        CAS(at(t, where), seen, LIVE(c), ok);
        if
        :: !ok                                                    /* another registrant took the slot */
        :: else ->
           mine[c] = t * SLOTS + where;
           born[c] = g;
#ifdef BROKEN_NO_RECHECK_OF_GENERATION
           now = g;
#else
           now = gen[t];
#endif
#ifdef BROKEN_NO_RECHECK_OF_TOP
           over = t;
#else
           over = top;
#endif
           if
           :: now == g && (over == t || over < CLOSED) -> registered[c] = true; break
           :: else ->                                             /* retract */
              CAS(slot[mine[c]], LIVE(c), (is_sealed(now) -> now - SEAL + 1 : now), ok);
              if
#ifdef BROKEN_LOSE_ON_FAILED_RETRACT
              :: !ok -> refused[c] = true; break
#else
              :: !ok -> registered[c] = true; break               /* the canceller has it */
#endif
              :: ok && over >= CLOSED -> refused[c] = true; flag = true; break
              :: ok && over < CLOSED
              fi
           fi
        fi
     :: else ->
        restart(t, g, i, ok);
        if
        :: ok
        :: else ->
           d_step { if :: !allocated -> allocated = true; ok = true :: else -> ok = false fi }
           if
           :: ok ->
              older[1] = t;
              CAS(top, t, 1, ok);
              if
              :: ok
              :: else -> allocated = false
              fi
           :: else -> (gen[t] != g || top != t)                   /* no memory: the code reports this, the model waits */
           fi
        fi
     fi
  od
}

inline unregister(c) {
  if
  :: registered[c] ->
#ifdef BROKEN_UNREGISTER_WITHOUT_COMPARE
     slot[mine[c]] = born[c];
     ok = true;
#else
     CAS(slot[mine[c]], LIVE(c), born[c], ok);
#endif
     if
     :: ok -> taken[c] = true
     :: else ->
#ifndef BROKEN_NO_WAIT
        (slot[mine[c]] != RUNNING(c));
#endif
        waited[c] = true;
        assert(began[c] == ran[c])
     fi
  :: else
  fi
}

byte mine[CALLBACKS], born[CALLBACKS];

/* Fills a segment, empties it, registers once more. */
proctype first() {
  byte t, g, i, seen, now, over, where;
  bool ok;
  try_register(0);
  try_register(1);
  unregister(0);
  unregister(1);
  try_register(2);
  ended++
}
proctype second() {
  byte t, g, i, seen, now, over, where;
  bool ok;
  try_register(3);
  unregister(3);
  ended++
}

proctype canceller() {
  byte s, i, j, w, c;
  bool ok;
#ifdef BROKEN_SCAN_BEFORE_CLOSE
  s = top;
#else
  d_step { s = top; top = top + CLOSED }
#endif
  flag = true;
  do
  :: i = 0;
     do
     :: i < SLOTS ->
        i++;
#ifdef BROKEN_SCAN_OLDEST_FIRST
        j = i - 1;
#else
        j = SLOTS - i;
#endif
        w = at(s, j);
        if
        :: w >= 100 && w < 200 ->
           c = w - 100;
#ifdef BROKEN_TAKE_WITHOUT_COMPARE
           at(s, j) = RUNNING(c);
           ok = true;
#else
           CAS(at(s, j), w, RUNNING(c), ok);
#endif
           if
           :: ok ->
              assert(!waited[c]);                                 /* G6, G5 */
              assert(!taken[c]);
              began[c]++;
              running++;
              order[c] = running;
              ran[c]++;
#ifdef BROKEN_NEVER_DONE
              skip
#else
              at(s, j) = DONE
#endif
           :: else
           fi
        :: else
        fi
     :: else -> break
     od;
     if
     :: older[s] == 255 -> break
     :: else -> s = older[s]
     fi
  od;
#ifdef BROKEN_SCAN_BEFORE_CLOSE
  top = top + CLOSED;
#endif
  ended++
}

init {
  byte c, i;
  atomic {
    gen[0] = 1;
    gen[1] = 1;
    older[0] = 255;
    older[1] = 255;
    run first();
    run second();
    run canceller()
  }
  (ended == 3);
  /* dispose comes last, so it may read everything */
  atomic {
    assert(flag);
    c = 0;
    do
    :: c < CALLBACKS ->
       assert(registered[c] || refused[c]);
       assert(!(registered[c] && refused[c]));
       assert(ran[c] == ((registered[c] && !taken[c]) -> 1 : 0));
       c++
    :: else -> break
    od;
    assert(!(ran[0] == 1 && ran[1] == 1) || order[1] < order[0]);
    assert(!(ran[1] == 1 && ran[2] == 1) || order[2] < order[1]);
    assert(!(ran[0] == 1 && ran[2] == 1) || order[2] < order[0]);
    i = 0;
    do
    :: i < SLOTS * SEGMENTS -> assert(is_dead(slot[i]) || slot[i] == DONE); i++
    :: else -> break
    od
  }
}

ltl ends { <> (ended == 3) }
